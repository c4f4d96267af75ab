"""Asking the fleet service: once for a Hub, together for many, and an answer for everybody who waits."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from ora.common.v1 import capability_pb2
from ora.fleet.v1 import admission_pb2
from ora.fleet.v1 import admission_service_pb2 as pb

from mesh.errors import UnavailableError
from relay.api import admission_stream
from relay.api import admissions as asking
from relay.api.admissions import Admissions
from relay.handlers import connect
from relay.routing.admission import Admission
from relay.routing.client import State
from relay.routing.elsewhere import Alone
from relay.routing.reasons import Close
from relay.routing.topics import hub_text
from relay.wire.codec import encode
from relay.wire.connect import Connect
from tests.unit.relay.world import HUB, World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from relay.routing.client import Client


def hub(number: int) -> bytes:
    return number.to_bytes(16, "big")


class Fleet:
    """Knows the Hubs below 1000; answers when it is let, a call or a question on the stream."""

    def __init__(self) -> None:
        self.calls: list[list[bytes]] = []
        self.by_stream = 0
        self.answering = asyncio.Event()
        self.away = False
        self.said: asyncio.Queue[pb.FollowAdmissionsResponse | None] = asyncio.Queue()
        self.tasks: list[asyncio.Task[None]] = []

    def FollowAdmissions(self, questions: AsyncIterator[pb.FollowAdmissionsRequest]) -> Fleet:  # noqa: N802 - the contract's name
        self.tasks.append(asyncio.ensure_future(self._listen(questions)))
        return self

    async def _listen(self, questions: AsyncIterator[pb.FollowAdmissionsRequest]) -> None:
        async for each in questions:
            self.tasks.append(asyncio.ensure_future(self._answer(each)))

    async def _answer(self, asked: pb.FollowAdmissionsRequest) -> None:
        self.by_stream += 1
        answer = pb.AdmissionsAnswer(question=asked.question)
        try:
            answer.admissions.extend(await self._known(asked.hub_ids))
        except UnavailableError as error:
            answer.failed_reason = error.reason
        self.said.put_nowait(pb.FollowAdmissionsResponse(answer=answer))

    async def read(self) -> object:
        return await self.said.get() or grpc.aio.EOF

    def cancel(self) -> None:
        for task in self.tasks:
            task.cancel()

    async def BatchGetAdmissions(  # noqa: N802 - the contract's name
        self,
        request: pb.BatchGetAdmissionsRequest,
        timeout: float,  # noqa: ASYNC109 - the stub's signature
    ) -> pb.BatchGetAdmissionsResponse:
        assert timeout > 0
        return pb.BatchGetAdmissionsResponse(admissions=await self._known(request.hub_ids))

    async def _known(self, hub_ids: Sequence[bytes]) -> list[admission_pb2.Admission]:
        self.calls.append(list(hub_ids))
        await self.answering.wait()
        if self.away:
            raise UnavailableError("away")
        relay = [capability_pb2.CAPABILITY_RELAY]
        return [
            admission_pb2.Admission(hub_id=each, version=1, active=True, capabilities=relay)
            for each in hub_ids
            if each < hub(1000)
        ]


HEARTBEAT = pb.FollowAdmissionsResponse(heartbeat_ms=1000)


@pytest.fixture
def fleet() -> Fleet:
    return Fleet()


@asynccontextmanager
async def followed(fleet: Fleet, admissions: Admissions) -> AsyncIterator[None]:
    """Let the stream stand while the block runs."""
    watch = asyncio.ensure_future(admissions.run())
    fleet.said.put_nowait(HEARTBEAT)
    await settled()
    try:
        yield
    finally:
        watch.cancel()
        await asyncio.gather(watch, return_exceptions=True)


@pytest.fixture(params=["call", "stream"])
async def admissions(fleet: Fleet, request: pytest.FixtureRequest) -> AsyncIterator[Admissions]:
    """Ask both ways: by a call of its own, and on the stream."""
    stub: Any = fleet
    made = Admissions(World().node, stub, apart_seconds=0)
    if request.param == "call":
        yield made
        assert fleet.by_stream == 0
        return
    async with followed(fleet, made):
        yield made
    assert fleet.by_stream == len(fleet.calls)


async def settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def ask(admissions: Admissions, *numbers: int) -> list[Any]:
    waiting = [asyncio.ensure_future(admissions.of(hub(each))) for each in numbers]
    await settled()
    return waiting


async def test_many_who_ask_about_one_hub_cost_one_question(fleet: Fleet, admissions: Admissions) -> None:
    waiting = await ask(admissions, 1, 1, 1)
    fleet.answering.set()
    answers = await asyncio.gather(*waiting)
    assert fleet.calls == [[hub(1)]]
    assert all(isinstance(each, Admission) and each.hub_id == hub(1) for each in answers)


async def test_who_comes_while_calls_are_under_way_goes_with_the_next(fleet: Fleet, admissions: Admissions) -> None:
    waiting = [each for number in range(1, 701) for each in await ask(admissions, number)]
    assert fleet.calls == [[hub(1)], [hub(2)]]
    fleet.answering.set()
    answers = await asyncio.gather(*waiting)
    assert [len(each) for each in fleet.calls] == [1, 1, 256, 256, 186]
    assert [each.hub_id for each in answers] == [hub(each) for each in range(1, 701)]


async def test_who_comes_alone_is_asked_about_at_once_and_a_herd_in_groups(fleet: Fleet) -> None:
    stub: Any = fleet
    apart = Admissions(World().node, stub, apart_seconds=0.5)
    fleet.answering.set()
    # One after the other: none of them waits.
    for number in range(1, 9):
        await asyncio.gather(*await ask(apart, number))
    assert fleet.calls == [[hub(each)] for each in range(1, 9)]
    # After so many the next one waits, and takes all who have come meanwhile.
    fleet.calls.clear()
    await asyncio.gather(*await ask(apart, 11, 12, 13, 14, 15))
    assert [len(each) for each in fleet.calls] == [1, 4]
    herd = await ask(apart, *range(21, 41))
    assert len(fleet.calls) == 2
    await asyncio.gather(*herd)
    assert [len(each) for each in fleet.calls] == [1, 4, 20]


async def test_a_hub_that_nobody_knows_is_not_active_and_the_others_are(fleet: Fleet, admissions: Admissions) -> None:
    fleet.answering.set()
    unknown, known = await asyncio.gather(*await ask(admissions, 2000, 2))
    assert unknown is Close.HUB_NOT_ACTIVE
    assert isinstance(known, Admission)


async def test_a_call_that_fails_answers_all_that_it_asked_about(fleet: Fleet, admissions: Admissions) -> None:
    waiting = await ask(admissions, 1, 2, 3, 4)
    fleet.away = True
    fleet.answering.set()
    assert await asyncio.gather(*waiting) == [Close.ADMISSION_UNAVAILABLE] * 4
    fleet.away = False
    again = await asyncio.gather(*await ask(admissions, 1))
    assert isinstance(again[0], Admission)


async def test_the_end_leaves_nobody_waiting(admissions: Admissions) -> None:
    waiting = await ask(admissions, 1, 2, 3)
    await admissions.close()
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(each, asyncio.CancelledError) for each in answers)


async def test_a_hub_whose_answer_cannot_be_taken_costs_the_others_nothing(
    fleet: Fleet, admissions: Admissions, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = asking.from_proto

    def broken(message: admission_pb2.Admission) -> Admission:
        if message.hub_id == hub(4):
            raise ZeroDivisionError("ours")
        return real(message)

    waiting = await ask(admissions, 1, 2, 3, 4, 5)
    monkeypatch.setattr(asking, "from_proto", broken)
    fleet.answering.set()
    answers = await asyncio.gather(*waiting)
    assert [each for each in answers if not isinstance(each, Admission)] == [Close.ADMISSION_UNAVAILABLE]
    monkeypatch.undo()
    assert isinstance((await asyncio.gather(*await ask(admissions, 4)))[0], Admission)


class Directory(Alone):
    """Answers a claim when it is told to."""

    def __init__(self) -> None:
        self.claims: list[Client] = []
        self.released: list[int] = []

    def claim(self, client: Client) -> int | None:
        self.claims.append(client)
        return None

    def release(self, hub_id: bytes, epoch: int) -> None:
        del hub_id
        self.released.append(epoch)


async def test_a_hub_whose_session_is_being_claimed_when_the_watch_begins_is_not_sent_away(fleet: Fleet) -> None:
    world, directory = World(), Directory()
    stub: Any = fleet
    admissions = Admissions(world.node, stub, apart_seconds=0)
    world.node.elsewhere = directory
    fleet.answering.set()
    client = world.open(hub(1))
    await settled()
    # It has said nothing yet: its certificate says who it is.
    assert fleet.calls == [[hub(1)]]
    world.give(client, encode(Connect(version=5, client_id=hub_text(hub(1)), keep_alive=60), 5))
    await settled()
    assert directory.claims == [client]
    async with followed(fleet, admissions):
        connect.claimed(world.node, client, 7)
        assert not client.output
        await settled()
        assert directory.released == [7]
        assert directory.claims == [client, client]
        connect.claimed(world.node, client, 8)
        assert client.state is State.READY
        assert client.epoch == 8


async def test_a_hub_that_could_not_be_asked_about_when_the_watch_began_is_asked_about_again(fleet: Fleet) -> None:
    world = World()
    stub: Any = fleet
    admissions = Admissions(world.node, stub, apart_seconds=0)
    world.connect()
    watch = asyncio.ensure_future(admissions.run())
    fleet.away = True
    fleet.answering.set()
    for count in (1, 2):
        fleet.said.put_nowait(HEARTBEAT)
        await settled()
        assert fleet.calls == [[HUB]] * count
    fleet.away = False
    # It answers, and knows no such Hub.
    fleet.said.put_nowait(HEARTBEAT)
    await settled()
    assert world.node.counters.closes == {Close.HUB_NOT_ACTIVE: 1}
    fleet.said.put_nowait(HEARTBEAT)
    await settled()
    assert fleet.calls == [[HUB]] * 3
    watch.cancel()


async def test_what_was_asked_before_the_watch_began_is_asked_again(fleet: Fleet) -> None:
    stub: Any = fleet
    admissions = Admissions(World().node, stub, apart_seconds=0)
    (waiting,) = await ask(admissions, 1)
    async with followed(fleet, admissions):
        fleet.answering.set()
        assert isinstance(await waiting, Admission)
    assert fleet.calls == [[hub(1)], [hub(1)]]
    assert fleet.by_stream == 1


async def test_what_a_stream_leaves_unanswered_is_asked_by_a_call(fleet: Fleet) -> None:
    stub: Any = fleet
    admissions = Admissions(World().node, stub, apart_seconds=0)
    async with followed(fleet, admissions):
        waiting = await ask(admissions, 1, 2, 3)
        fleet.said.put_nowait(None)
        await settled()
        fleet.answering.set()
        assert all(isinstance(each, Admission) for each in await asyncio.gather(*waiting))
    assert fleet.by_stream == 2
    assert {each for call in fleet.calls[2:] for each in call} == {hub(1), hub(2), hub(3)}


async def test_a_call_has_neither_the_deadline_nor_the_trace_of_who_asked_first(fleet: Fleet) -> None:
    stub: Any = fleet
    admissions = Admissions(World().node, stub, apart_seconds=0)
    mine: ContextVar[str] = ContextVar("mine", default="none")
    seen: list[str] = []
    known = fleet._known

    async def noting(hub_ids: Sequence[bytes]) -> list[admission_pb2.Admission]:
        seen.append(mine.get())
        return await known(hub_ids)

    fleet._known = noting  # type: ignore[method-assign]
    mine.set("an RPC")
    fleet.answering.set()
    await asyncio.gather(*await ask(admissions, 1))
    assert seen == ["none"]


async def test_who_reads_the_questions_ends_with_the_stream(fleet: Fleet) -> None:
    stub: Any = fleet
    stream = admission_stream.AdmissionStream(stub)
    await settled()
    (listening,) = fleet.tasks
    # As gRPC does: what has ended already is not cancelled again.
    fleet.tasks.clear()
    stream.close()
    await settled()
    assert listening.done()
    assert not listening.cancelled()


async def test_a_question_that_the_stream_does_not_answer_is_given_up(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission_stream, "ASK_SECONDS", 0.01)
    stub: Any = fleet
    admissions = Admissions(World().node, stub, apart_seconds=0)
    async with followed(fleet, admissions):
        assert await asyncio.gather(*await ask(admissions, 1)) == [Close.ADMISSION_UNAVAILABLE]
        # An answer that comes after all is nobody's.
        fleet.answering.set()
        assert isinstance((await asyncio.gather(*await ask(admissions, 2)))[0], Admission)


async def test_an_answer_is_no_heartbeat(fleet: Fleet) -> None:
    stub: Any = fleet
    stream = admission_stream.AdmissionStream(stub)
    fleet.said.put_nowait(pb.FollowAdmissionsResponse(heartbeat_ms=20))
    fleet.answering.set()
    changes = stream.changes()
    assert (await anext(changes)).heartbeat_ms == 20

    async def asking() -> None:
        while True:
            await stream.ask([hub(1)])
            await asyncio.sleep(0.005)

    asker = asyncio.ensure_future(asking())
    async with asyncio.timeout(5):
        with pytest.raises(TimeoutError):
            await anext(changes)
    asker.cancel()
    stream.close()
