"""A Hub's session is claimed while the fleet service is asked: from nobody at once, from somebody when it may be."""

from __future__ import annotations

import asyncio
import os
import time
from typing import TYPE_CHECKING, Any

import pytest

from mesh.config import Secret
from mesh.redis import open_redis
from mesh.settings import RedisConfig
from relay.handlers import admission
from relay.nodes.directory import Claimed, Directory, DirectoryTimes, Place
from relay.nodes.keeper import Keeper
from relay.routing.client import State
from relay.routing.elsewhere import Alone
from relay.routing.reasons import Close
from relay.routing.topics import hub_text
from relay.wire.codec import encode
from relay.wire.connect import Connect
from tests.integration.mesh import backends
from tests.unit.relay.world import World, admitted

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from relay.routing.client import Client

A, B = Place("a.1", "10.0.0.1:1", 0), Place("b.1", "10.0.0.2:1", 0)


class Joined(Alone):
    """One node's keeper, as its node sees it."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper

    def claim(self, client: Client) -> int | None:
        return self._keeper.claim(client)

    def claim_ahead(self, client: Client) -> None:
        self._keeper.claim_ahead(client)

    def abandon(self, client: Client) -> None:
        self._keeper.abandon(client)

    def release(self, hub_id: bytes, epoch: int) -> None:
        self._keeper.release(hub_id, b"", epoch)


class Home:
    """A Hub that connects to node A, whose fleet service answers when the test says so."""

    def __init__(self, redis: Any) -> None:
        self.a, self.b = (Directory(redis, each, DirectoryTimes()) for each in (A, B))
        self.told: list[str] = []
        self.world = World()
        # Redis answers in real time.
        self.world.node.now, self.world.node.wall = time.monotonic(), time.time()
        self.world.node.admissions.heard(self.world.node.now)
        self.keeper = Keeper(self.world.node, self.a, self._tell)
        self.world.node.elsewhere = Joined(self.keeper)
        # As a UUID of version 7 has it.
        self.hub = os.urandom(6) + b"\x70" + os.urandom(1) + b"\x80" + os.urandom(7)

    async def _tell(self, address: str, hub_id: bytes, peer_id: bytes, epoch: int) -> None:
        del hub_id, peer_id, epoch
        self.told.append(address)

    def connect(self) -> Client:
        client = self.world.open(self.hub)
        self.world.give(client, encode(Connect(version=5, client_id=hub_text(self.hub), keep_alive=60), 5))
        assert client.state is State.ADMISSION
        return client

    def answer(self, **facts: Any) -> None:
        admission.answered(self.world.node, admitted(self.hub, **facts))

    async def until_at(self, place: Place | None) -> None:
        async with asyncio.timeout(10):
            while True:
                found = await self.b.find(self.hub)
                if (found.node if found is not None else None) == (place.node if place is not None else None):
                    return
                await asyncio.sleep(0.01)


async def until(client: Client, state: State) -> None:
    async with asyncio.timeout(10):
        while client.state is not state:  # noqa: ASYNC110 - a node has no event for it
            await asyncio.sleep(0.01)


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[Home]:
    valkey = backends.valkey(tmp_path)
    valkey.start()
    try:
        async with open_redis(
            RedisConfig(url=Secret(f"redis://127.0.0.1:{valkey.port}"), timeout_seconds=2.0)
        ) as redis:
            made = Home(redis)
            yield made
            await made.keeper.close()
    finally:
        valkey.stop()


async def test_what_nobody_has_is_taken_and_what_somebody_has_is_not(home: Home) -> None:
    taken = home.a.claimed(await home.a.begin_new_claim(home.hub))
    assert isinstance(taken, Claimed)
    assert taken.before is None
    assert home.b.claimed(await home.b.begin_new_claim(home.hub)) is None
    assert (await home.b.find(home.hub)) == Place(A.node, A.address, taken.epoch)
    await home.a.release(home.hub, b"", taken.epoch)
    again = home.b.claimed(await home.b.begin_new_claim(home.hub))
    assert isinstance(again, Claimed)
    assert again.epoch > taken.epoch


async def test_a_hub_has_its_session_as_soon_as_it_is_let_in(home: Home) -> None:
    client = home.connect()
    await home.until_at(A)
    found = await home.b.find(home.hub)
    home.answer()
    await until(client, State.READY)
    assert found is not None
    assert client.epoch == found.epoch


@pytest.mark.parametrize("early", [False, True])
async def test_a_hub_that_is_not_let_in_leaves_nothing(home: Home, *, early: bool) -> None:
    client = home.connect()
    if not early:
        await home.until_at(A)
    home.answer(relay=False)
    assert home.world.node.counters.closes == {Close.CONSENT_OFF: 1}
    assert client.state is State.CLOSED
    if early:
        # What was asked for before the refusal is answered after it, and given back then.
        await home.keeper.close()
    await home.until_at(None)


async def test_a_hub_that_goes_while_it_waits_leaves_nothing(home: Home) -> None:
    client = home.connect()
    await home.until_at(A)
    home.world.node.end(client, Close.CLIENT_GONE, tell=False)
    await home.until_at(None)
    home.answer()
    assert home.hub not in home.world.node.hubs


async def test_a_session_elsewhere_is_taken_over_only_when_the_hub_is_let_in(home: Home) -> None:
    elsewhere = await home.b.claim(home.hub)
    assert isinstance(elsewhere, Claimed)
    client = home.connect()
    await asyncio.sleep(0.05)
    assert (await home.b.find(home.hub)) == Place(B.node, B.address, elsewhere.epoch)
    home.answer()
    await until(client, State.READY)
    assert client.epoch > elsewhere.epoch
    await home.until_at(A)
    assert home.told == [B.address]


async def test_what_was_taken_over_meanwhile_is_claimed_anew(home: Home) -> None:
    client = home.connect()
    await home.until_at(A)
    newer = await home.b.claim(home.hub)
    assert isinstance(newer, Claimed)
    home.keeper.taken_over(home.hub, b"", newer.epoch)
    home.answer()
    await until(client, State.READY)
    assert client.epoch > newer.epoch
    assert home.told == [B.address]
