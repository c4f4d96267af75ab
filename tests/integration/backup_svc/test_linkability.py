"""Two Hubs back up in one run. Whoever then has everything that is stored cannot say whose backup is whose."""

from __future__ import annotations

import asyncio
import random
import re
from typing import TYPE_CHECKING, Any

import asyncpg

from tests.integration.backup_svc.world import Hub, noise

if TYPE_CHECKING:
    from tests.integration.backup_svc.world import World

RUNS = 40


async def everything(world: World) -> dict[str, list[Any]]:
    """Return every row of every table, in the order in which the database holds them."""
    connection = await asyncpg.connect(world.database_url)
    try:
        tables = ("backup", "generation", "ticket_key", "ticket_issue", "spent_ticket", "upload", "upload_piece", "job")
        return {each: await connection.fetch(f"SELECT * FROM backup.{each} ORDER BY ctid") for each in tables}  # noqa: S608
    finally:
        await connection.close()


def cells(rows: list[Any]) -> set[bytes]:
    """Return every value that is long enough to be somebody's."""
    found = set()
    for row in rows:
        for value in row.values():
            if isinstance(value, bytes) and len(value) >= 8:
                found |= {value[at : at + 8] for at in range(len(value) - 7)}
            elif hasattr(value, "bytes"):
                found.add(value.bytes)
    return found


async def test_no_value_of_the_side_that_knows_a_hub_is_on_the_side_that_does_not(world: World) -> None:
    hub = world.admit(Hub())
    ticket = await world.ticket(hub)
    await world.store(hub, hub.container(), ticket)
    rows = await everything(world)
    known = cells(rows["ticket_issue"])
    assert not known & cells([*rows["backup"], *rows["generation"], *rows["spent_ticket"], *rows["upload"]])
    everywhere = [path.name for path in world.files()] + [(world.folder / "log").read_text()]
    assert not any(hub.id.hex in each or str(hub.id) in each for each in everywhere)
    assert not any(hub.keys.locator.hex() in each for each in everywhere)
    assert {path.stat().st_mtime % 86_400 for path in world.files()} == {0}


async def test_an_adversary_with_all_that_is_stored_does_no_better_than_chance(world: World) -> None:
    """The adversary pairs the first Hub of the issues with a line, by each clue that order and time could give."""
    chance = random.Random(7)  # noqa: S311 - the coins of a test
    right = {"order": 0, "reverse": 0, "digest": 0}
    for _ in range(RUNS):
        hubs = [world.admit(Hub()), world.admit(Hub())]
        chance.shuffle(hubs)
        held = {each.id: await world.ticket(each) for each in hubs}
        issued = [row["hub_id"] for row in (await everything(world))["ticket_issue"]][-2:]
        # A Hub spends a ticket some time after it got it: which one comes first is a coin.
        chance.shuffle(hubs)
        await asyncio.gather(*(world.store(each, each.container(noise(100)), held[each.id]) for each in hubs[:1]))
        await world.store(hubs[1], hubs[1].container(noise(100)), held[hubs[1].id])
        rows = await everything(world)
        stored = [row["locator"] for row in rows["backup"]][-2:]
        digests = {row["hub_id"]: row["message_digest"] for row in rows["ticket_issue"]}
        of = {each.keys.locator: each.id for each in hubs}
        right["order"] += of[stored[0]] == issued[0]
        right["reverse"] += of[stored[1]] == issued[0]
        near = min(
            stored, key=lambda each: int.from_bytes(each, "big") ^ int.from_bytes(digests[issued[0]][:16], "big")
        )
        right["digest"] += of[near] == issued[0]
    # With 40 coins, fewer than 9 or more than 31 come about once in 4,000 runs.
    assert all(9 <= count <= 31 for count in right.values()), right
    log = (world.folder / "log").read_text()
    assert not re.search(r"backups/[0-9a-f]{32}|backupUploads/", log)
