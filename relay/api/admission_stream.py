"""Owns one stream to the fleet service: questions go up, answers and changes come down (ADR 126). Decides nothing."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, Final

import grpc
from ora.fleet.v1 import admission_service_pb2 as pb

from mesh.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from ora.fleet.v1 import admission_pb2

    Known = Sequence[admission_pb2.Admission]

_MISSED_HEARTBEATS: Final = 3
_FIRST_MESSAGE_SECONDS: Final = 5.0
ASK_SECONDS: Final = 2.0


class StreamEndedError(Exception):
    """The stream has ended without an answer; who asks elsewhere may get one."""


class AdmissionStream:
    """One call of FollowAdmissions."""

    def __init__(self, stub: Any) -> None:
        self._number = 0
        # Who waits for the answers, and when each of them has waited in vain.
        self._asked: dict[int, tuple[asyncio.Future[Known], asyncio.TimerHandle]] = {}
        self._unsaid: deque[pb.FollowAdmissionsRequest] = deque()
        self._wanted = asyncio.Event()
        self._closed = False
        self._call = stub.FollowAdmissions(self._questions())

    def ask(self, hub_ids: Sequence[bytes]) -> asyncio.Future[Known]:
        """Ask for the admissions of those Hubs that the registry knows.

        The answer may be ``StreamEndedError``, or ``UnavailableError`` when nobody can tell, or not in time.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Known] = loop.create_future()
        self._number += 1
        self._asked[self._number] = answer, loop.call_later(ASK_SECONDS, self._overdue, self._number)
        self._unsaid.append(pb.FollowAdmissionsRequest(question=self._number, hub_ids=hub_ids))
        self._wanted.set()
        return answer

    async def _questions(self) -> AsyncIterator[pb.FollowAdmissionsRequest]:
        while not self._closed:
            await self._wanted.wait()
            self._wanted.clear()
            while self._unsaid:
                yield self._unsaid.popleft()

    async def changes(self) -> AsyncIterator[pb.FollowAdmissionsResponse]:
        """Yield what is no answer, until the server ends the stream.

        Raises ``TimeoutError`` when nothing of it has come for as long as three heartbeats: an answer is no heartbeat.
        """
        clock = asyncio.get_running_loop().time
        patience = _FIRST_MESSAGE_SECONDS
        until = clock() + patience
        while True:
            async with asyncio.timeout_at(until):
                message = await self._call.read()
            if message is grpc.aio.EOF:
                return
            if message.HasField("answer"):
                self._answered(message.answer)
                continue
            if message.heartbeat_ms:
                patience = message.heartbeat_ms / 1000 * _MISSED_HEARTBEATS
            until = clock() + patience
            yield message

    def _answered(self, answer: pb.AdmissionsAnswer) -> None:
        if answer.failed_reason:
            self._settle(answer.question, UnavailableError("nobody can tell now", reason=answer.failed_reason))
        else:
            self._settle(answer.question, answer.admissions)

    def _overdue(self, number: int) -> None:
        self._settle(number, UnavailableError("nobody has told in time"))

    def _settle(self, number: int, told: Known | Exception) -> None:
        answer, timer = self._asked.pop(number, (None, None))
        if answer is None or timer is None:
            return
        timer.cancel()
        if answer.done():
            return
        if isinstance(told, Exception):
            answer.set_exception(told)
        else:
            answer.set_result(told)

    def close(self) -> None:
        """End the stream; who waits for an answer is told."""
        self._closed = True
        # Who waits for questions does so until there are some: gRPC leaves it alone when the server has ended the call.
        self._wanted.set()
        self._call.cancel()
        for number in list(self._asked):
            self._settle(number, StreamEndedError())
