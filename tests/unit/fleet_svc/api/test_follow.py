"""One stream of questions, answers and changes."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING

import pytest
from ora.fleet.v1 import admission_pb2
from ora.fleet.v1 import admission_service_pb2 as pb

from fleet_svc.api import follow
from fleet_svc.api.follow import Follow
from mesh.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Sequence

HEARTBEAT = pb.FollowAdmissionsResponse(heartbeat_ms=1000)


class Caller:
    """Both ends of a stream, and the registry behind it."""

    def __init__(self) -> None:
        self.asked: asyncio.Queue[pb.FollowAdmissionsRequest | None] = asyncio.Queue()
        self.changes: asyncio.Queue[pb.FollowAdmissionsResponse | Exception] = asyncio.Queue()
        self.knowing = asyncio.Event()
        self.knowing.set()
        self.reads = 0
        self.fault: Exception | None = None

    def ask(self, question: int) -> None:
        self.asked.put_nowait(pb.FollowAdmissionsRequest(question=question, hub_ids=[bytes([question]) * 16]))

    def run(self) -> AsyncGenerator[pb.FollowAdmissionsResponse, None]:
        return Follow(self._know).run(self._requests(), self._changes())  # type: ignore[return-value]

    async def _know(self, hub_ids: Sequence[bytes]) -> list[admission_pb2.Admission]:
        self.reads += 1
        await self.knowing.wait()
        if self.fault is not None:
            raise self.fault
        return [admission_pb2.Admission(hub_id=each) for each in hub_ids]

    async def _requests(self) -> AsyncIterator[pb.FollowAdmissionsRequest]:
        while (asked := await self.asked.get()) is not None:
            yield asked

    async def _changes(self) -> AsyncIterator[pb.FollowAdmissionsResponse]:
        while True:
            change = await self.changes.get()
            if isinstance(change, Exception):
                raise change
            yield change


@pytest.fixture
def caller() -> Caller:
    return Caller()


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_changes_and_answers_come_on_one_stream(caller: Caller) -> None:
    async with aclosing(caller.run()) as said:
        caller.changes.put_nowait(HEARTBEAT)
        assert await anext(said) == HEARTBEAT
        caller.ask(7)
        answer = await anext(said)
        assert (answer.answer.question, answer.answer.failed_reason) == (7, "")
        assert [each.hub_id for each in answer.answer.admissions] == [bytes([7]) * 16]
        # An answer is no heartbeat.
        assert answer.heartbeat_ms == 0
        caller.changes.put_nowait(HEARTBEAT)
        assert await anext(said) == HEARTBEAT


async def test_a_question_that_cannot_be_answered_says_why_and_the_stream_goes_on(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with aclosing(caller.run()) as said:
        caller.fault = UnavailableError("away", reason="DATABASE_UNAVAILABLE")
        caller.ask(1)
        assert (await anext(said)).answer == pb.AdmissionsAnswer(question=1, failed_reason="DATABASE_UNAVAILABLE")
        # A fault of ours costs one question its answer, never the stream.
        caller.fault = ZeroDivisionError("ours")
        caller.ask(4)
        assert (await anext(said)).answer == pb.AdmissionsAnswer(question=4, failed_reason="INTERNAL")
        caller.fault = None
        monkeypatch.setattr(follow, "_ANSWER_SECONDS", 0.01)
        caller.knowing.clear()
        caller.ask(2)
        assert (await anext(said)).answer == pb.AdmissionsAnswer(question=2, failed_reason="DEADLINE_EXCEEDED")
        caller.knowing.set()
        caller.ask(3)
        assert len((await anext(said)).answer.admissions) == 1


async def test_a_few_are_answered_side_by_side_and_no_more_are_read_meanwhile(caller: Caller) -> None:
    async with aclosing(caller.run()) as said:
        caller.knowing.clear()
        for each in range(1, 11):
            caller.ask(each)
        caller.changes.put_nowait(HEARTBEAT)
        # Whoever asks too fast still hears what changes.
        assert await anext(said) == HEARTBEAT
        await settled()
        assert caller.reads == 4
        assert caller.asked.qsize() == 5
        caller.knowing.set()
        assert {(await anext(said)).answer.question for _ in range(10)} == set(range(1, 11))


async def test_what_is_not_read_holds_back_what_follows(caller: Caller) -> None:
    async with aclosing(caller.run()) as said:
        for _ in range(100):
            caller.changes.put_nowait(HEARTBEAT)
        await anext(said)
        await settled()
        waiting = caller.changes.qsize()
        assert 70 < waiting < 90
        for _ in range(99):
            assert await anext(said) == HEARTBEAT


async def test_the_stream_ends_when_its_caller_asks_no_more(caller: Caller) -> None:
    caller.changes.put_nowait(HEARTBEAT)
    async with aclosing(caller.run()) as said:
        assert await anext(said) == HEARTBEAT
        caller.asked.put_nowait(None)
        with pytest.raises(StopAsyncIteration):
            await anext(said)


async def test_what_ends_the_changes_ends_the_stream_after_what_was_said(caller: Caller) -> None:
    async with aclosing(caller.run()) as said:
        caller.changes.put_nowait(HEARTBEAT)
        caller.changes.put_nowait(UnavailableError("going away", reason="DRAINING"))
        assert await anext(said) == HEARTBEAT
        with pytest.raises(UnavailableError, match="going away"):
            await anext(said)


async def test_a_stream_that_is_dropped_leaves_no_task_behind(caller: Caller) -> None:
    before = asyncio.all_tasks()
    async with aclosing(caller.run()) as said:
        caller.knowing.clear()
        caller.ask(1)
        caller.changes.put_nowait(HEARTBEAT)
        await anext(said)
        assert asyncio.all_tasks() > before
    assert asyncio.all_tasks() == before
