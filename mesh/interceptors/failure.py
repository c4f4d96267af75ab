"""Owns the last word on failures: whatever a handler did, what leaves is a conforming ``google.rpc.Status``.

Conformance: every failure carries ``ErrorInfo``. An exception outside the vocabulary becomes a bare INTERNAL with the
trace id; its text goes nowhere, its type and places go to the log.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Final, NoReturn

import grpc

from mesh import log, names
from mesh.errors import (
    Code,
    DeadlineExceededError,
    InternalError,
    OraError,
    UnavailableError,
)
from mesh.status import DETAILS_KEY, to_status

if TYPE_CHECKING:
    from mesh.call import Call

_LOG: Final = log.get(__name__)
_CODES: Final = {code.value[0]: code for code in grpc.StatusCode}
_AWAY: Final = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED})


class _StatusError(OraError):
    """What a handler, such as the health service, said through its context instead of by raising."""

    def __init__(self, code: grpc.StatusCode) -> None:
        self.code = Code(code.value[0])  # type: ignore[misc]
        self.default_reason = code.name  # type: ignore[misc]
        super().__init__(code.name.lower().replace("_", " "))


class HandlerContext:
    """The context a handler gets: as gRPC's, but a status set by hand is raised, so that it conforms too."""

    __slots__ = ("_context",)

    def __init__(self, context: Any) -> None:
        self._context = context

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)

    async def abort(self, code: grpc.StatusCode, details: str = "", trailing_metadata: Any = ()) -> NoReturn:
        """Raise instead of answering: the text of another's status does not leave."""
        del details, trailing_metadata
        raise _StatusError(code)

    def set_code(self, code: grpc.StatusCode) -> None:
        """Raise if it is a failure."""
        if code is not grpc.StatusCode.OK:
            raise _StatusError(code)

    def set_details(self, details: str) -> None:
        """Drop the text: only our own messages leave."""


def conform(error: BaseException, call: Call | None) -> OraError:
    """Return the failure in our vocabulary."""
    method = call.method.path if call else ""
    match error:
        case InternalError():
            _LOG.error("a call failed by our fault", method=method, detail=error.message, exc_info=error)
            return error
        case OraError():
            return error
        case grpc.aio.AioRpcError():
            return _downstream(error, method)
        case _:
            _LOG.error("a call failed by our fault", method=method, exc_info=error)
            return InternalError("unexpected exception")


def _downstream(error: grpc.aio.AioRpcError, method: str) -> OraError:
    if error.code() in _AWAY:
        return UnavailableError("a service that is needed is away", reason="UPSTREAM_UNAVAILABLE")
    if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
        return DeadlineExceededError("a service that is needed did not answer in time")
    _LOG.error("a downstream failure was not handled", method=method, **{names.CODE: error.code().name}, exc_info=error)
    return InternalError("downstream failure")


async def answer(context: Any, error: OraError, trace_id: str) -> NoReturn:
    """End the call with ``error``."""
    status = to_status(error, trace_id=trace_id or secrets.token_hex(16))
    trailing = ((DETAILS_KEY, status.SerializeToString()),)
    await context.abort(_CODES[status.code], status.message, trailing)
    raise AssertionError  # abort raises
