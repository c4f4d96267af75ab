"""Owns which cohort a Hub counts for, as the fleet service says, remembered for an hour. Never stands in the way.

What cannot be told now is the unknown cohort: a reading without a cohort is worth more than none.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

import grpc
from ora.fleet.v1.cohort_service_pb2 import BatchGetCohortsRequest

from ingest_svc.domain.cohort import UNKNOWN, Cohort
from ingest_svc.store import cohorts as store
from mesh import log

if TYPE_CHECKING:
    from collections.abc import Collection

    from ora.fleet.v1.cohort_service_pb2_grpc import CohortServiceAsyncStub

    from mesh.clock import Monotonic
    from mesh.db import Database

_LOG: Final = log.get(__name__)
_KEPT_SECONDS: Final = 3600.0
_SPARE_SECONDS: Final = 30.0
_AT_ONCE: Final = 1000
_ENTRIES: Final = 200_000
_PATIENCE_SECONDS: Final = 1.0
_NEVER: Final = (UNKNOWN, float("-inf"))


class CohortDirectory:
    """The cohorts of the Hubs that were asked for."""

    def __init__(self, database: Database, fleet: CohortServiceAsyncStub, *, monotonic: Monotonic) -> None:
        self._database, self._fleet, self._monotonic = database, fleet, monotonic
        # By the 16 bytes of the Hub's id.
        self._known: OrderedDict[bytes, tuple[Cohort, float]] = OrderedDict()
        self._ids: dict[Cohort, int] = {}
        self._failed_at = float("-inf")

    async def ids(self, hub_ids: Collection[bytes]) -> dict[bytes, int]:
        """Return the number of each Hub's cohort."""
        cohorts = await self.of(hub_ids)
        numbers = await self.numbers(set(cohorts.values()))
        return {hub: numbers[cohort] for hub, cohort in cohorts.items()}

    async def of(self, hub_ids: Collection[bytes]) -> dict[bytes, Cohort]:
        """Return each Hub's cohort."""
        now, get = self._monotonic(), self._known.get
        missing = [each for each in hub_ids if get(each, _NEVER)[1] <= now]
        if missing and now - self._failed_at >= _SPARE_SECONDS:
            await self._ask(missing)
        return {each: get(each, _NEVER)[0] for each in hub_ids}

    async def numbers(self, cohorts: Collection[Cohort]) -> dict[Cohort, int]:
        """Return the numbers of cohorts; a new one gets one."""
        missing = [each for each in cohorts if each not in self._ids]
        if missing:
            async with self._database.platform() as tx:
                self._ids.update(await store.ids(tx, missing))
        return {each: self._ids[each] for each in cohorts}

    async def _ask(self, hub_ids: list[bytes]) -> None:
        until = self._monotonic() + _KEPT_SECONDS
        for at in range(0, len(hub_ids), _AT_ONCE):
            part = hub_ids[at : at + _AT_ONCE]
            request = BatchGetCohortsRequest(hub_ids=part)
            try:
                answer = await self._fleet.BatchGetCohorts(request, timeout=_PATIENCE_SECONDS)
            except grpc.aio.AioRpcError as error:
                self._failed_at = self._monotonic()
                _LOG.warning("cohorts cannot be told now", code=error.code().name)
                return
            self._known.update((each, (UNKNOWN, until)) for each in part)
            for each in answer.hub_cohorts:
                cohort = Cohort(each.cohort.hardware_model, each.cohort.firmware_version)
                self._known[each.hub_id] = (cohort, until)
        while len(self._known) > _ENTRIES:
            self._known.popitem(last=False)
