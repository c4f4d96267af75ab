"""Owns whose readings are, as the table says it: the pseudonym of the month and the cohort of each Hub. In memory.

What is known of a Hub is put together once a minute and not for each payload. A pseudonym is forgotten as soon as its
key is destroyed.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from typing import TYPE_CHECKING, Final, NamedTuple
from uuid import UUID

from ingest_svc.domain.pseudonym import KEY_BYTES, month_of, pseudonym
from ingest_svc.store import copying, pseudonym_keys
from mesh.ids import HubId

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet
    from datetime import date

    from ingest_svc.cohorts import CohortDirectory
    from mesh.clock import Now
    from mesh.db import Database

_REMEMBERED: Final = 200_000
_FRESH_SECONDS: Final = 60


class Owner(NamedTuple):
    """Whose a reading is."""

    month: date
    pseudonym: UUID
    cohort_id: int
    # The same, as COPY takes it.
    encoded: bytes


class Owners:
    """Those of the Hubs that report. A Hub is the 16 bytes of its id."""

    def __init__(self, database: Database, cohorts: CohortDirectory, *, now: Now) -> None:
        self._database, self._cohorts, self._now = database, cohorts, now
        self._month: date | None = None
        self._pseudonyms: OrderedDict[bytes, UUID] = OrderedDict()
        self._owners: dict[bytes, Owner] = {}
        self._fresh_until = 0.0
        # Counts what was forgotten: an answer that was asked for before is not remembered.
        self._forgotten = 0

    async def of(self, hubs: AbstractSet[bytes]) -> Mapping[bytes, Owner]:
        """Return the owners of at least these Hubs' readings."""
        now = self._now()
        month, moment = month_of(now), now.timestamp()
        if month != self._month:
            self.forget_all()
            self._month = month
        if not 0 <= self._fresh_until - moment <= _FRESH_SECONDS or len(self._owners) > _REMEMBERED:
            self._owners = {}
            self._fresh_until = moment + _FRESH_SECONDS
        # Never emptied but replaced, so whoever holds it finds in it what was there.
        owners = self._owners
        missing = hubs - owners.keys()
        if missing:
            owners.update(await self._learn(month, missing))
        return owners

    async def _learn(self, month: date, hubs: AbstractSet[bytes]) -> dict[bytes, Owner]:
        cohorts = await self._cohorts.ids(hubs)
        pseudonyms = await self._named(month, hubs)
        return {
            each: Owner(month, name, cohorts[each], copying.owner(month, name, cohorts[each]))
            for each, name in pseudonyms.items()
        }

    async def _named(self, month: date, hubs: AbstractSet[bytes]) -> dict[bytes, UUID]:
        known = {each: self._pseudonyms[each] for each in hubs if each in self._pseudonyms}
        missing, forgotten = hubs - known.keys(), self._forgotten
        if not missing:
            return known
        async with self._database.platform() as tx:
            fresh = {HubId(UUID(bytes=each)): secrets.token_bytes(KEY_BYTES) for each in missing}
            keys = await pseudonym_keys.give(tx, month, fresh)
        given = {each.bytes: pseudonym(each, key) for each, key in keys.items()}
        if forgotten == self._forgotten:
            self._pseudonyms.update(given)
            while len(self._pseudonyms) > _REMEMBERED:
                self._pseudonyms.popitem(last=False)
        return known | given

    def forget(self, hub_id: str) -> None:
        """Forget the pseudonym of a Hub whose key was destroyed."""
        self._pseudonyms.pop(UUID(hub_id).bytes, None)
        self._owners = {}
        self._forgotten += 1

    def forget_all(self) -> None:
        """Forget every pseudonym: keys may have been destroyed unheard."""
        self._pseudonyms.clear()
        self._owners = {}
        self._forgotten += 1
