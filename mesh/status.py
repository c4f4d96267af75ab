"""Owns the mapping from ``mesh.errors`` to ``google.rpc.Status``; knows no handler and decides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2

from mesh.errors import (
    InternalError,
    InvalidArgumentError,
    OraError,
    ResourceExhaustedError,
    StateConflictError,
    UnavailableError,
)

if TYPE_CHECKING:
    from google.protobuf.message import Message

DOMAIN: Final = "ora"
DETAILS_KEY: Final = "grpc-status-details-bin"
_INTERNAL_TEXT: Final = "internal error"


def to_status(error: OraError, *, trace_id: str) -> status_pb2.Status:
    """Return what the caller may know of ``error``."""
    internal = isinstance(error, InternalError)
    metadata = {} if internal else dict(error.metadata)
    if trace_id:
        metadata["trace_id"] = trace_id
    info = error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=metadata)
    return status_pb2.Status(
        code=int(error.code),
        message=_INTERNAL_TEXT if internal else error.message,
        details=[_pack(detail) for detail in (info, *_details(error))],
    )


def error_info(status: status_pb2.Status) -> error_details_pb2.ErrorInfo | None:
    """Return the ``ErrorInfo`` of a status, the part that programs read."""
    for packed in status.details:
        info = error_details_pb2.ErrorInfo()
        if packed.Unpack(info):
            return info
    return None


def _details(error: OraError) -> list[Message]:
    found: list[Message] = []
    match error:
        case InvalidArgumentError(violations=violations) if violations:
            found.append(
                error_details_pb2.BadRequest(
                    field_violations=[
                        error_details_pb2.BadRequest.FieldViolation(
                            field=each.field, description=each.description, reason=each.reason
                        )
                        for each in violations
                    ]
                )
            )
        case StateConflictError():
            violation = error_details_pb2.PreconditionFailure.Violation(
                type=error.reason, subject=error.metadata.get("resource", ""), description=error.message
            )
            found.append(error_details_pb2.PreconditionFailure(violations=[violation]))
        case ResourceExhaustedError(quota=quota):
            quota_violation = error_details_pb2.QuotaFailure.Violation(subject=quota, description=error.message)
            found.append(error_details_pb2.QuotaFailure(violations=[quota_violation]))
    if isinstance(error, ResourceExhaustedError | UnavailableError) and error.retry_after is not None:
        delay = duration_pb2.Duration()
        delay.FromTimedelta(error.retry_after)
        found.append(error_details_pb2.RetryInfo(retry_delay=delay))
    return found


def _pack(message: Message) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(message)
    return packed
