"""What watchers are told, with a source that the test holds in its hand."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from fleet_svc.domain.admission import Admission, Facts, decide
from fleet_svc.domain.hub import State
from fleet_svc.feed import AdmissionFeed, Note, Subscription
from mesh.errors import UnavailableError
from mesh.ids import HubId

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence


def facts(number: int, version: int = 1) -> Facts:
    return Facts(
        hub_id=HubId(UUID(int=number)),
        version=version,
        state=State.ACTIVE,
        capabilities=frozenset(),
        peers=(),
        certificates_not_before=None,
    )


def change(number: int, version: int = 1) -> Admission:
    return decide(facts(number, version))


class Source:
    """A source that can be lost."""

    def __init__(self) -> None:
        self.facts: dict[HubId, Facts] = {}
        self.alive = True
        self.opened = asyncio.Event()
        self.heard: Callable[[HubId], None]
        self.ended: Callable[[], None]

    @asynccontextmanager
    async def listen(self, *, heard: Callable[[HubId], None], ended: Callable[[], None]) -> AsyncIterator[Source]:
        if not self.alive:
            raise ConnectionRefusedError
        self.heard, self.ended = heard, ended
        self.opened.set()
        yield self

    async def read(self, hub_ids: Sequence[HubId]) -> list[Facts]:
        if not self.alive:
            raise ConnectionResetError
        return [self.facts[each] for each in hub_ids if each in self.facts]

    def set(self, held: Facts) -> None:
        self.facts[held.hub_id] = held
        self.heard(held.hub_id)

    def lose(self) -> None:
        self.alive = False
        self.ended()


@asynccontextmanager
async def following(source: Source, *, bound: int = 8) -> AsyncIterator[AdmissionFeed]:
    feed = AdmissionFeed(source.listen, lost=(OSError,), heartbeat_seconds=0.04, queue_bound=bound)
    stopping = asyncio.Event()
    running = asyncio.create_task(feed.run(stopping))
    await source.opened.wait()
    await asyncio.sleep(0)
    try:
        yield feed
    finally:
        stopping.set()
        await running


async def next_change(subscription: Subscription) -> Admission:
    async with asyncio.timeout(2):
        while True:
            told = await subscription.next()
            if isinstance(told, Admission):
                return told


async def test_a_change_is_told_to_every_subscription() -> None:
    source = Source()
    async with following(source) as feed:
        with feed.subscribe() as one, feed.subscribe() as two:
            source.set(facts(1, 7))
            assert await next_change(one) == await next_change(two) == change(1, 7)


async def test_nobody_subscribes_to_a_source_that_is_away() -> None:
    feed = AdmissionFeed(Source().listen, lost=(OSError,), heartbeat_seconds=1, queue_bound=8)
    with pytest.raises(UnavailableError) as refused, feed.subscribe():
        pass
    assert refused.value.reason == "SOURCE_UNAVAILABLE"


async def test_a_lost_source_is_silence_and_its_return_is_a_resync() -> None:
    source = Source()
    async with following(source) as feed:
        with feed.subscribe() as subscription:
            source.lose()
            with pytest.raises(TimeoutError):
                await _listen_on(subscription)
            source.alive = True
            async with asyncio.timeout(3):
                assert await subscription.next() is Note.RESYNC
            source.set(facts(1, 2))
            assert await next_change(subscription) == change(1, 2)


async def _listen_on(subscription: Subscription) -> None:
    while True:
        async with asyncio.timeout(0.2):
            assert await subscription.next() is not Note.RESYNC


async def test_a_subscription_that_ends_is_forgotten() -> None:
    source = Source()
    async with following(source) as feed:
        with feed.subscribe():
            pass
        assert feed._subscriptions == set()


async def test_stopping_ends_every_subscription() -> None:
    source = Source()
    async with contextlib.AsyncExitStack() as stack:
        async with following(source) as feed:
            subscription = stack.enter_context(feed.subscribe())
        async with asyncio.timeout(2):
            assert await subscription.next() is Note.END


async def test_only_the_newest_change_of_a_hub_waits() -> None:
    subscription = Subscription(8)
    subscription.change(change(1, 1))
    subscription.change(change(2, 1))
    subscription.change(change(1, 2))
    assert [await subscription.next(), await subscription.next()] == [change(1, 2), change(2, 1)]


async def test_a_watcher_that_is_too_far_behind_is_told_to_ask_again() -> None:
    subscription = Subscription(2)
    for number in range(1, 4):
        subscription.change(change(number))
    subscription.change(change(4, 9))
    assert await subscription.next() is Note.RESYNC
    assert await subscription.next() == change(4, 9)


async def test_a_change_is_a_heartbeat_too() -> None:
    subscription = Subscription(2)
    subscription.note(Note.HEARTBEAT)
    subscription.change(change(1))
    assert await subscription.next() == change(1)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await subscription.next()


async def test_a_burst_larger_than_a_batch_is_told_whole() -> None:
    source = Source()
    async with following(source, bound=1000) as feed:
        with feed.subscribe() as subscription:
            for number in range(600):
                source.set(facts(number))
            told = {(await next_change(subscription)).hub_id for _ in range(600)}
    assert len(told) == 600
