"""Owns the Hub that backs up through the faults: a new backup now and then, and the newest one read back in between.

A Hub gets few tickets a day, and a ticket tells nobody whose it is: the Hubs of a street fetch them for this one.
"""

from __future__ import annotations

import asyncio
import uuid
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import httpx

from devstack.demo.scene import Scene
from devstack.dev import enrolment
from devstack.dev.household import Household
from hubsim.backup import BackupClient
from hubsim.wire import Capability
from sdk.backup.head import KdfCost
from sdk.backup.layout import encode_layout
from sdk.backup.recovery_key import new_recovery_key
from sdk.backup.writer import Recipe, write
from sdk.golden.backups import small_layout

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from hubsim.records import RecordClient

GOOD: Final = "good"
_LOST: Final = "LOST"
_STREET: Final = 20
# A day's tickets, as many as the contract gives at once.
_FETCHES: Final = 2
_AT_ONCE: Final = 4
_READS: Final = 4
# The least that the contract allows: faults are about the cloud, and the Hub shares its machine here.
_CHEAP: Final = KdfCost(memory_kib=19_456, iterations=2)


def _new_line() -> Recipe:
    return Recipe(keys=new_recovery_key().keys(), cost=_CHEAP)


@dataclass(slots=True)
class Keeper:
    """One Hub's backups, and what it was promised."""

    scene: Scene
    _tickets: list[dict[str, str]] = field(default_factory=list)
    # The newest that the cloud said that it has: its name and its bytes.
    _kept: tuple[str, bytes] | None = None
    _turn: int = 0
    _recipe: Recipe = field(default_factory=_new_line)

    async def fetch_tickets(self) -> None:
        """Have the street's Hubs fetch what tickets they get in a day."""
        stack, folder = self.scene.stack, self.scene.folder.parent
        for _ in range(_STREET):
            hub_id = str(uuid.uuid4())
            await enrolment.enrol_new(stack, hub_id, folder / hub_id)
            async with Household(stack, folder / hub_id).records() as records:
                await records.owner_key()
                await records.consent([Capability.BACKUP])
                async with self._client(hub_id, records) as client:
                    for _ in range(_FETCHES):
                        await client.fetch_tickets(_AT_ONCE)

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[BackupClient]:
        """Open the doors."""
        async with self.scene.home.records() as records, self._client(self.scene.hub_id, records) as client:
            yield client

    async def act(self, client: BackupClient) -> str:
        """Back up, or read back; return how it went."""
        self._turn += 1
        if self._kept is None or self._turn % (_READS + 1) == 0:
            return await self._back_up(client)
        return GOOD if await self.is_there(client) else _LOST

    async def is_there(self, client: BackupClient) -> bool:
        """Tell whether the newest that was acknowledged comes back as it was."""
        kept = self._kept
        return kept is None or await client.download(kept[0]) == kept[1]

    async def _back_up(self, client: BackupClient) -> str:
        recipe, self._recipe = self._recipe, _new_line()
        made = await asyncio.to_thread(write, encode_layout(small_layout()), recipe)
        # What is not acknowledged may have come all the same: then the next backup begins a line of its own.
        stored = await client.store(made.container, recipe.keys.locator)
        self._kept = (stored["name"], made.container)
        self._recipe = replace(recipe, generation=recipe.generation + 1, previous_digest=made.digest)
        return GOOD

    @asynccontextmanager
    async def _client(self, hub_id: str, records: RecordClient) -> AsyncIterator[BackupClient]:
        home = self.scene.home
        address = self.scene.stack.address("gateway", "backup")
        async with httpx.AsyncClient(base_url=address, verify=home.trust(), trust_env=False) as door:
            yield BackupClient(hub_id, records.http, door, held=self._tickets)
