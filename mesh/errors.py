"""Owns the one vocabulary of failure; knows no transport: ``mesh.status`` turns it into ``google.rpc.Status``.

``reason`` is stable and UPPER_SNAKE, what varies goes into the metadata (keyword arguments), the message helps a
developer. Messages and metadata reach callers: no secret, no personal data, no text of another exception.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta


class Code(IntEnum):
    """The numbers of ``google.rpc.Code``."""

    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldViolation:
    """One field of a request that is not as the contract says: its path, what is wrong, and the rule."""

    field: str
    description: str
    reason: str = ""


class OraError(Exception):
    """A failure that the caller may know about. Raise one of the subclasses."""

    code: ClassVar[Code]
    default_reason: ClassVar[str]

    def __init__(self, message: str, *, reason: str | None = None, **metadata: object) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason or self.default_reason
        self.metadata = {key: str(value) for key, value in metadata.items()}


class InvalidArgumentError(OraError):
    """The request is wrong whatever the state: HTTP 400."""

    code, default_reason = Code.INVALID_ARGUMENT, "INVALID_ARGUMENT"

    def __init__(
        self,
        message: str,
        *,
        reason: str | None = None,
        violations: Sequence[FieldViolation] = (),
        **metadata: object,
    ) -> None:
        super().__init__(message, reason=reason, **metadata)
        self.violations = tuple(violations)

    @classmethod
    def field(cls, field: str, description: str, *, reason: str | None = None) -> InvalidArgumentError:
        """Return the failure for one wrong field."""
        violation = FieldViolation(field=field, description=description, reason=reason or cls.default_reason)
        return cls(f"{field}: {description}", reason=reason, violations=(violation,))


class UnauthenticatedError(OraError):
    """Nobody that we know: HTTP 401."""

    code, default_reason = Code.UNAUTHENTICATED, "UNAUTHENTICATED"


class StepUpRequiredError(UnauthenticatedError):
    """A fresher or stronger login is needed (RFC 9470); the gateway makes ``WWW-Authenticate`` of the metadata."""

    default_reason = "INSUFFICIENT_USER_AUTHENTICATION"

    def __init__(self, message: str, *, acr_values: str, max_age: int, intent: str = "") -> None:
        extra = {"intent": intent} if intent else {}
        super().__init__(message, acr_values=acr_values, max_age=max_age, **extra)


class PermissionDeniedError(OraError):
    """Known, and not allowed: HTTP 403. Checked before existence."""

    code, default_reason = Code.PERMISSION_DENIED, "PERMISSION_DENIED"


class NotFoundError(OraError):
    """Not there, or not the caller's to see; the two read the same: HTTP 404."""

    code, default_reason = Code.NOT_FOUND, "NOT_FOUND"


class AlreadyExistsError(OraError):
    """There is one already: HTTP 409."""

    code, default_reason = Code.ALREADY_EXISTS, "ALREADY_EXISTS"


class StateConflictError(OraError):
    """The state forbids it, and a retry alone does not help: HTTP 400, ``FAILED_PRECONDITION``."""

    code, default_reason = Code.FAILED_PRECONDITION, "STATE_CONFLICT"


class AbortedError(OraError):
    """Lost a race or an etag is stale; read again, then retry: HTTP 409."""

    code, default_reason = Code.ABORTED, "CONCURRENT_UPDATE"


class RequestIdReusedError(AbortedError):
    """The ``request_id`` was used for another request: HTTP 409."""

    default_reason = "REQUEST_ID_REUSED"


class OutOfRangeError(OraError):
    """Past the end of what there is, for example an upload offset: HTTP 400."""

    code, default_reason = Code.OUT_OF_RANGE, "OUT_OF_RANGE"


class _RetryableError(OraError):
    """Says when to come back."""

    def __init__(
        self, message: str, *, reason: str | None = None, retry_after: timedelta | None = None, **metadata: object
    ) -> None:
        super().__init__(message, reason=reason, **metadata)
        self.retry_after = retry_after


class ResourceExhaustedError(_RetryableError):
    """A limit or quota is used up; ``quota`` names it: HTTP 429."""

    code, default_reason = Code.RESOURCE_EXHAUSTED, "RATE_LIMITED"

    def __init__(
        self,
        message: str,
        *,
        reason: str | None = None,
        retry_after: timedelta | None = None,
        quota: str = "",
        **metadata: object,
    ) -> None:
        super().__init__(message, reason=reason, retry_after=retry_after, **metadata)
        self.quota = quota


class UnavailableError(_RetryableError):
    """Something that we need is away; the call may be repeated as it is: HTTP 503."""

    code, default_reason = Code.UNAVAILABLE, "UNAVAILABLE"


class DeadlineExceededError(OraError):
    """Not done in time; the effect may or may not have happened: HTTP 504."""

    code, default_reason = Code.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED"


class UnimplementedError(OraError):
    """This version, or its closed gate, does not do it: HTTP 501."""

    code, default_reason = Code.UNIMPLEMENTED, "UNIMPLEMENTED"


class DataLossError(OraError):
    """Stored data is damaged: HTTP 500."""

    code, default_reason = Code.DATA_LOSS, "DATA_LOSS"


class InternalError(OraError):
    """A bug of ours. Its message stays inside; callers get the trace id."""

    code, default_reason = Code.INTERNAL, "INTERNAL"
