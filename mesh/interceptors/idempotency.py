"""Owns finding the key of a repeatable request, and that its handler used it; the record is ``mesh.idempotency``'s.

The effect and the record of it are one transaction of the service, so the stage itself stores nothing.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any, Final, cast

from ora.options.v1 import options_pb2 as options

from mesh.call import Call, RequestKey
from mesh.errors import InternalError, InvalidArgumentError
from mesh.interceptors.rate_limit import subject_key, tenant_key
from mesh.interceptors.stage import Stage

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from mesh.policy import Method

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~-]{7,127}", re.ASCII)


class IdempotencyStage(Stage):
    """Demands a ``request_id`` where the contract promises that equal requests have one effect."""

    def applies(self, method: Method) -> bool:
        """Only where the contract names the request id."""
        return method.policy.idempotency == options.IDEMPOTENCY_REQUEST_ID

    def message(self, call: Call, message: Message) -> None:
        """Find the key, or refuse a request that has none."""
        request_id = cast("Any", message).request_id
        if not _REQUEST_ID.fullmatch(request_id):
            raise InvalidArgumentError.field("request_id", "8 to 128 unreserved characters, for example a UUID")
        scope = hashlib.sha256(f"{tenant_key(call.subject)}\x00{subject_key(call.subject)}".encode()).digest()
        body = message.SerializeToString(deterministic=True)
        call.request_key = RequestKey(scope, call.method.path, request_id, hashlib.sha256(body).digest())

    def answered(self, call: Call) -> None:
        """Fail a handler that kept no record: a bug, and a loud one."""
        if not call.request_key_used:
            raise InternalError(f"{call.method.path} promises one effect per request_id and kept no record")
