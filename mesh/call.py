"""Owns the facts about the call that is being served, for handlers and for the clients they use; decides nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar

from mesh.errors import InternalError
from mesh.identity import Anonymous, ApiClient, HubIdentity, Principal, Subject, Workload
from mesh.policy import Method

if TYPE_CHECKING:
    from mesh.ids import TenantId

T = TypeVar("T")

NOBODY: Final = Anonymous()


@dataclass(frozen=True, slots=True)
class RequestKey:
    """What makes two requests the same one: who, which method, which ``request_id``, and the body's digest."""

    scope: bytes
    method: str
    request_id: str
    digest: bytes


@dataclass(slots=True, kw_only=True)
class Call:
    """One call, from its arrival to its answer."""

    method: Method
    metadata: Sequence[tuple[str, str | bytes]]
    auth_context: Mapping[str, Sequence[bytes]]
    # On the monotonic clock; None only for streams without an end.
    deadline: float | None = None
    peer: Workload | None = None
    subject: Subject = NOBODY
    trace_id: str = ""
    request_key: RequestKey | None = None
    request_key_used: bool = False
    on_end: list[Callable[[], None]] = field(default_factory=list)

    def header(self, key: str) -> str | None:
        """Return the one value of a metadata key; None when it is absent or there are several."""
        found = [value for name, value in self.metadata if name == key]
        return found[0] if len(found) == 1 and isinstance(found[0], str) else None

    def headers(self, key: str) -> int:
        """Return how many values a metadata key has."""
        return sum(name == key for name, _ in self.metadata)

    @property
    def person(self) -> Principal:
        """The person this call is for; a method whose policy admits others too must look at ``subject``."""
        return self._subject(Principal)

    @property
    def hub(self) -> HubIdentity:
        """The Hub this call is for."""
        return self._subject(HubIdentity)

    @property
    def tenant(self) -> TenantId:
        """The tenant of the person or API client."""
        if isinstance(self.subject, Principal | ApiClient) and self.subject.tenant is not None:
            return self.subject.tenant
        raise InternalError(f"{self.method.path} asks for a tenant that its callers do not have")

    def _subject(self, kind: type[T]) -> T:
        if not isinstance(self.subject, kind):
            raise InternalError(f"{self.method.path} asks for a {kind.__name__} that its policy does not promise")
        return self.subject


CURRENT: Final[ContextVar[Call]] = ContextVar("ora_call")


def current_call() -> Call:
    """Return the call that is being served in this task."""
    return CURRENT.get()
