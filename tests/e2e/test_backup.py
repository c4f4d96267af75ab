"""A Hub backs up, is lost, and a new one brings the layout back with the Recovery Key typed in."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import httpx
import pytest

from hubsim.backup import BackupClient, BackupRefusedError
from hubsim.wire import Capability
from sdk.backup.errors import DamagedError, OlderKeyError, TruncatedError, WrongKeyError
from sdk.backup.head import KdfCost
from sdk.backup.reader import open_container
from sdk.backup.recovery_key import new_recovery_key
from sdk.backup.writer import Recipe, write
from sdk.golden.backups import small_layout
from tests.e2e.home import Home, new_home

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.stack import Stack

CHEAP = KdfCost(memory_kib=19456, iterations=2)


@asynccontextmanager
async def backups(home: Home) -> AsyncIterator[BackupClient]:
    stack = home.stack
    async with httpx.AsyncClient(base_url=stack.address("gateway", "backup"), verify=stack.tls(), http2=True) as door:
        yield BackupClient(home.hub, home.records.http, door)


async def consenting(home: Home) -> None:
    await home.records.owner_key()
    await home.records.consent([Capability.BACKUP])


async def test_a_lost_hub_is_replaced_without_losing_the_layout(fresh: Home, stack: Stack, tmp_path: Path) -> None:
    await consenting(fresh)
    key = new_recovery_key()
    printed, recipe = key.text(), Recipe(keys=key.keys(), cost=CHEAP)
    layout = small_layout()
    async with backups(fresh) as old:
        await old.fetch_tickets(2)
        first = await old.back_up(layout, recipe)
        layout.placements[0].height_mm = 1200
        await old.back_up(layout, replace(recipe, generation=2, previous_digest=first))
    async with new_home(stack, tmp_path / "new") as made, backups(made) as new:
        found, follows = await new.restore(printed.lower().replace("-", " "))
        assert found == layout
        assert follows.generation == 3
        await consenting(made)
        await new.back_up(found, follows)
        assert (await new.restore(printed))[1].generation == 4


async def test_wrong_older_damaged_and_truncated_are_four_answers(fresh: Home) -> None:
    await consenting(fresh)
    older, key = new_recovery_key(), new_recovery_key()
    async with backups(fresh) as client:
        await client.back_up(small_layout(), Recipe(keys=key.keys(), cost=CHEAP, retired=(older.keys(),)))
        container = await client.download(f"backups/{key.keys().locator.hex()}/generations/1")
        with pytest.raises(BackupRefusedError) as unknown:
            await client.restore(new_recovery_key().text())
        assert unknown.value.reason == "BACKUP_UNKNOWN"
    damaged = container[:40_000] + bytes([container[40_000] ^ 1]) + container[40_001:]
    for got, tried, answer in (
        (container, new_recovery_key(), WrongKeyError),
        (container, older, OlderKeyError),
        (damaged, key, DamagedError),
        (container[:-1], key, TruncatedError),
    ):
        with pytest.raises(answer):
            open_container(got, tried.keys())


async def test_a_key_that_was_replaced_says_so_and_opens_nothing(fresh: Home, stack: Stack, tmp_path: Path) -> None:
    await consenting(fresh)
    old, new, layout = new_recovery_key(), new_recovery_key(), small_layout()
    async with backups(fresh) as client:
        await client.fetch_tickets(4)
        first = Recipe(keys=old.keys(), cost=CHEAP)
        digest = await client.back_up(layout, first)
        earlier = await client.download(f"backups/{old.keys().locator.hex()}/generations/1")
        follows = await client.replace_key(layout, replace(first, generation=2, previous_digest=digest), new.keys())
        await client.back_up(layout, follows)
    async with new_home(stack, tmp_path / "new") as made, backups(made) as other:
        with pytest.raises(OlderKeyError):
            await other.restore(old.text())
        found, after = await other.restore(new.text())
        assert (found, after.generation) == (layout, 3)
        # What the old key opens is gone; what is left in its place, the old key does not open.
        left = await other.download(f"backups/{old.keys().locator.hex()}/generations/1")
    assert left != earlier
    assert open_container(left, new.keys()).content == b""


@pytest.mark.parametrize("size", [100, 60_000, 1_000_000, 8_000_000])
async def test_containers_of_every_size_pass_the_gateway(fresh: Home, size: int) -> None:
    await consenting(fresh)
    recipe = Recipe(keys=new_recovery_key().keys(), cost=CHEAP)
    made = write(bytes(size), recipe)
    async with backups(fresh) as client:
        stored = await client.store(made.container, recipe.keys.locator)
        assert await client.download(stored["name"]) == made.container


async def test_without_consent_there_is_no_ticket(fresh: Home) -> None:
    await fresh.records.owner_key()
    async with backups(fresh) as client:
        with pytest.raises(BackupRefusedError) as raised:
            await client.fetch_tickets()
    assert (raised.value.status, raised.value.reason) == (403, "CONSENT_OFF")


async def test_what_is_not_sealed_is_refused_at_the_door(fresh: Home) -> None:
    await consenting(fresh)
    recipe = Recipe(keys=new_recovery_key().keys(), cost=CHEAP)
    async with backups(fresh) as client:
        with pytest.raises(BackupRefusedError) as raised:
            await client.store(b"a plain home".ljust(65536, b"."), recipe.keys.locator)
    assert (raised.value.status, raised.value.reason) == (400, "MAGIC")
