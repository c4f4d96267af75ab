"""Owns what a service may know of a Hub's admission, and for how long it still counts. Decides nothing.

``ora.fleet.v1.AdmissionService`` is asked once a Hub and watched for changes. While the watch speaks, an answer counts;
after it falls silent what is known ages, and 60 seconds after the last word nothing counts any longer: the caller is
told that nobody knows, and refuses.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

import grpc
from ora.fleet.v1.admission_service_pb2 import GetAdmissionRequest, WatchAdmissionsRequest, WatchAdmissionsResponse

from mesh import log, names
from mesh.channel import reason_of
from mesh.errors import UnavailableError

if TYPE_CHECKING:
    from ora.fleet.v1.admission_pb2 import Admission
    from ora.fleet.v1.admission_service_pb2_grpc import AdmissionServiceAsyncStub

    from mesh.clock import Monotonic

STALE_SECONDS: Final = 60.0
_LOG: Final = log.get(__name__)
_ENTRIES: Final = 200_000
_MISSED_HEARTBEATS: Final = 3
_FIRST_WORD_SECONDS: Final = 5.0
_PAUSE_SECONDS: Final = 0.5
# After a question that nobody answered, the next ones are not asked for so long.
_SPARE_SECONDS: Final = 0.5


class Admissions:
    """The admissions of the Hubs that were asked for."""

    def __init__(self, fleet: AdmissionServiceAsyncStub, *, monotonic: Monotonic) -> None:
        self._fleet, self._monotonic = fleet, monotonic
        self._entries: OrderedDict[bytes, tuple[Admission, float]] = OrderedDict()
        self._heard_at = self._failed_at = float("-inf")
        self._generation = 0

    def cached(self, hub_id: bytes) -> Admission | None:
        """Return what counts for a Hub now, without asking; None if nothing does."""
        known = self._entries.get(hub_id)
        if known is None:
            return None
        found, asked_at = known
        stale = self._monotonic() - STALE_SECONDS
        return None if asked_at < stale and self._heard_at < stale else found

    async def get(self, hub_id: bytes) -> Admission | None:
        """Return what counts for a Hub now; None if the registry knows no such Hub. Refuses when nobody can tell."""
        found = self.cached(hub_id)
        if found is not None:
            return found
        if self._monotonic() - self._failed_at < _SPARE_SECONDS:
            raise _unknown()
        asked_at, generation = self._monotonic(), self._generation
        try:
            found = await self._fleet.GetAdmission(GetAdmissionRequest(hub_id=hub_id))
        except grpc.aio.AioRpcError as error:
            if reason_of(error) == "HUB_UNKNOWN":
                return None
            self._failed_at = self._monotonic()
            raise _unknown() from error
        if generation == self._generation:
            self._put(found, asked_at)
        return found

    async def run(self) -> None:
        """Follow the changes until cancelled, through every loss of the watch."""
        while True:
            try:
                await self._follow()
            except (grpc.aio.AioRpcError, UnavailableError, TimeoutError) as error:
                _LOG.warning("changes of admission cannot be followed now", **{names.ERROR_TYPE: type(error).__name__})
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _follow(self) -> None:
        watch = self._fleet.WatchAdmissions(WatchAdmissionsRequest())
        try:
            silence, first = _FIRST_WORD_SECONDS, True
            while True:
                async with asyncio.timeout(silence):
                    word = await watch.read()
                if not isinstance(word, WatchAdmissionsResponse):  # the end of the stream
                    return
                # A new watch tells changes from now on: what was asked before it may have changed unheard.
                if first or word.resync:
                    self._forget()
                first = False
                self._heard_at = self._monotonic()
                silence = _MISSED_HEARTBEATS * word.heartbeat_ms / 1000 or _FIRST_WORD_SECONDS
                if word.HasField("changed"):
                    self._put(word.changed, self._heard_at)
        finally:
            watch.cancel()

    def _forget(self) -> None:
        self._entries.clear()
        self._generation += 1

    def _put(self, admission: Admission, at: float) -> None:
        known = self._entries.get(admission.hub_id)
        if known is not None and known[0].version > admission.version:
            return
        self._entries[admission.hub_id] = (admission, at)
        self._entries.move_to_end(admission.hub_id)
        if len(self._entries) > _ENTRIES:
            self._entries.popitem(last=False)


def _unknown() -> UnavailableError:
    return UnavailableError("whether this Hub may be served cannot be told now", reason="ADMISSION_UNKNOWN")
