"""Owns that every call whose audit class demands it leaves an entry in the transaction of its effect.

No handler has to think of it: a handler opens its transaction here, and what it writes commits with the entry or not at
all. What a job does by itself is told by events alone.
"""

from __future__ import annotations

import hashlib
import inspect
import json
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast
from uuid import UUID

from google.protobuf.message import Message
from ora.options.v1 import options_pb2

from fleet_svc.domain.audit import Entry, digest
from fleet_svc.store import audit_entries
from fleet_svc.store.audit_entries import Kept
from mesh.call import CURRENT
from mesh.db import Database
from mesh.identity import HubIdentity, Principal
from mesh.ids import parse_uuid
from mesh.redact import without_secrets

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from mesh.call import Call
    from mesh.clock import Now
    from mesh.db import Isolation, Tx
    from mesh.ids import TenantId

S = TypeVar("S")

# What belongs to no Hub.
PLATFORM_CHAIN: Final = UUID(int=0)
_KEPT_CLASSES: Final = frozenset({options_pb2.AUDIT_CLASS_CHANGE, options_pb2.AUDIT_CLASS_EVIDENCE})
_NAMES: Final = ("name", "hub", "parent")
_EVIDENCE_MOST: Final = 16_384


@dataclass(slots=True)
class _Serving:
    """The request of this call; a stream of requests is one change, told with its first."""

    request: Message | None = None
    streams: bool = False
    told: bool = False


_SERVING: Final[ContextVar[_Serving]] = ContextVar("ora_fleet_serving")


def audited(servicer: S) -> S:
    """Return the servicer, its handlers known by their requests."""
    return cast("S", _Audited(servicer))


class _Audited:
    def __init__(self, servicer: object) -> None:
        self._servicer = servicer

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._servicer, name)
        return _known(found) if name[:1].isupper() and callable(found) else found


def _known(handler: Callable[..., Any]) -> Callable[..., Any]:
    if inspect.isasyncgenfunction(handler):

        async def serve_many(request: Any, context: Any) -> AsyncIterator[Any]:
            async for each in handler(_begin(request), context):
                yield each

        return serve_many

    async def serve(request: Any, context: Any) -> Any:
        return await handler(_begin(request), context)

    return serve


def _begin(request: Any) -> Any:
    # A call has a task, and so a context, of its own: nothing has to be put back.
    if isinstance(request, Message):
        _SERVING.set(_Serving(request))
        return request
    serving = _Serving(streams=True)
    _SERVING.set(serving)
    return _noting(serving, request)


async def _noting(serving: _Serving, requests: AsyncIterator[Message]) -> AsyncIterator[Message]:
    async for each in requests:
        serving.request = serving.request or each
        yield each


class AuditedDatabase(Database):
    """The database of the service; a transaction that may write ends with the entry of its call."""

    def __init__(self, database: Database, *, now: Now) -> None:
        super().__init__(database._pool, database._config)  # noqa: SLF001 - the same database, seen by handlers
        self._now = now

    @asynccontextmanager
    async def platform(self, *, read_only: bool = False, isolation: Isolation = "read_committed") -> AsyncIterator[Tx]:
        """Open a transaction of no tenant."""
        async with super().platform(read_only=read_only, isolation=isolation) as tx:
            yield tx
            if not read_only:
                await self._tell(tx)

    @asynccontextmanager
    async def tenant(
        self, tenant: TenantId, *, read_only: bool = False, isolation: Isolation = "read_committed"
    ) -> AsyncIterator[Tx]:
        """Open a transaction of one tenant."""
        async with super().tenant(tenant, read_only=read_only, isolation=isolation) as tx:
            yield tx
            if not read_only:
                await self._tell(tx)

    async def _tell(self, tx: Tx) -> None:
        call, serving = CURRENT.get(None), _SERVING.get(None)
        if call is None or serving is None or serving.request is None or (serving.streams and serving.told):
            return
        if call.method.policy.audit not in _KEPT_CLASSES:
            return
        serving.told = True
        resource, evidence = _resource(serving.request), _evidence(call, serving.request)
        now, chain_id = self._now(), _chain(call, resource)
        entry = Entry(
            method=call.method.path,
            actor=_actor(call),
            caller=call.peer.name if call.peer else "",
            resource=resource,
            request_digest=_digest(without_secrets(serving.request).SerializeToString(deterministic=True)),
            evidence_digest=_digest(evidence),
            trace=call.trace_id,
            time=now.isoformat(),
        ).encode()
        head = await audit_entries.head(tx, chain_id)
        sequence = head.sequence + 1
        made = digest(head.digest, sequence, entry)
        kept = Kept(sequence, entry, head.digest, made, evidence or None)
        await audit_entries.append(tx, chain_id, kept, now=now)


def _resource(request: Message) -> str:
    """Return what the request names: itself, or in the message that it carries."""
    for name in _NAMES:
        value = getattr(request, name, "")
        if isinstance(value, str) and value:
            return value
    inner = (value for _, value in request.ListFields() if isinstance(value, Message))
    return next((name for each in inner if isinstance(name := getattr(each, "name", ""), str) and name), "")


def _chain(call: Call, resource: str) -> UUID:
    if isinstance(call.subject, HubIdentity):
        return call.subject.hub_id
    kind, _, rest = resource.partition("/")
    hub = parse_uuid(rest.split("/")[0]) if kind == "hubs" else None
    return hub or PLATFORM_CHAIN


def _actor(call: Call) -> str:
    match call.subject:
        case Principal() as person:
            return f"person:{person.issuer} {person.subject}"
        case HubIdentity() as hub:
            return f"hub:{hub.hub_id}"
        case _:
            return f"workload:{call.peer.name}" if call.peer else "nobody"


def _evidence(call: Call, request: Message) -> bytes:
    """Return what proves that it was meant: the record that a Hub or a factory signed, or the facts of the login."""
    if call.method.policy.audit != options_pb2.AUDIT_CLASS_EVIDENCE:
        return b""
    if isinstance(call.subject, Principal):
        person = call.subject
        facts = {
            "acr": person.acr,
            "auth_time": person.auth_time.isoformat() if person.auth_time else None,
            "intents": [each.get("type") for each in person.intents],
            "token_id": person.token_id,
            "key": person.key_thumbprint,
        }
        return json.dumps(facts, sort_keys=True, separators=(",", ":")).encode()
    signed = [getattr(request, name, None) for name in ("record", "proof", "manifest")]
    record = next((each for each in signed if isinstance(each, Message)), None)
    return record.SerializeToString(deterministic=True)[:_EVIDENCE_MOST] if record is not None else b""


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest() if content else ""
