"""Owns SubjectAccessService: what an owner gets of their own Hub's readings, and that they are gone when asked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from ora.ingest.v1 import subject_access_service_pb2 as pb
from ora.ingest.v1 import subject_access_service_pb2_grpc as rpc

from ingest_svc.api.names import calling_hub
from ingest_svc.api.packing import to_record
from ingest_svc.domain.pseudonym import month_of, pseudonym
from ingest_svc.erasure import erase
from ingest_svc.store import pseudonym_keys, readings
from mesh.call import current_call

if TYPE_CHECKING:
    from mesh.clock import Now
    from mesh.db import Database
    from mesh.pagination import PageTokens

_DEFAULT_PAGE: Final = 1000
_CURSOR_BYTES: Final = 8
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class SubjectAccessService(rpc.SubjectAccessServiceServicer):
    """The owner's hand on what is kept of their Hub."""

    def __init__(self, database: Database, tokens: PageTokens, *, now: Now) -> None:
        self._database, self._tokens, self._now = database, tokens, now

    async def ExportTelemetry(self, request: pb.ExportTelemetryRequest, context: Any) -> pb.ExportTelemetryResponse:
        """Return a page of what can still be joined to the Hub."""
        del context
        hub_id, call = calling_hub(request.hub), current_call()
        after, size = _after(self._tokens.open(call, request)), request.page_size or _DEFAULT_PAGE
        async with self._database.platform(read_only=True, isolation="repeatable_read") as tx:
            keys = await pseudonym_keys.of_hub(tx, hub_id, since=month_of(self._now()))
            names = [pseudonym(hub_id, key) for key in keys]
            found = await readings.of_pseudonyms(tx, names, after=after, limit=size + 1)
        page = found[:size]
        last = page[-1]["bucket_time"] if len(found) > size else None
        return pb.ExportTelemetryResponse(
            records=[to_record(each) for each in page],
            next_page_token=self._tokens.seal(call, request, _cursor(last)),
        )

    async def EraseTelemetry(self, request: pb.EraseTelemetryRequest, context: Any) -> pb.EraseTelemetryResponse:
        """Delete what can still be joined to the Hub, and the key that joins it."""
        del context
        hub_id = calling_hub(request.hub)
        async with self._database.platform() as tx:
            erased = await erase(tx, hub_id)
        return pb.EraseTelemetryResponse(erased_count=erased)


def _cursor(last: datetime | None) -> bytes:
    return b"" if last is None else int(last.timestamp()).to_bytes(_CURSOR_BYTES, "big")


def _after(cursor: bytes) -> datetime | None:
    return _EPOCH + timedelta(seconds=int.from_bytes(cursor, "big")) if cursor else None
