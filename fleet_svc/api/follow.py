"""Owns one stream of FollowAdmissions: questions up, their answers and every change down. Decides nothing.

A few questions are answered side by side; more are not read until there is room, so that gRPC's flow control holds back
who asks too fast. Changes that the caller does not read wait in its subscription, which has a bound.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from ora.fleet.v1 import admission_service_pb2 as pb

from mesh import log
from mesh.errors import DeadlineExceededError, InternalError, OraError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence

    from ora.fleet.v1 import admission_pb2

    Know = Callable[[Sequence[bytes]], Awaitable[list[admission_pb2.Admission]]]

_LOG: Final = log.get(__name__)
_AT_ONCE: Final = 4
_UNREAD: Final = 16
# As long as BatchGetAdmissions may take.
_ANSWER_SECONDS: Final = 2.0


class Follow:
    """One stream, from its first message to its end."""

    def __init__(self, know: Know) -> None:
        self._know = know
        self._said: deque[pb.FollowAdmissionsResponse] = deque()
        self._room = asyncio.Event()
        self._woken = asyncio.Event()
        self._answering = asyncio.Semaphore(_AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()
        # The first task that ended the stream.
        self._end: asyncio.Task[None] | None = None

    async def run(
        self, requests: AsyncIterator[pb.FollowAdmissionsRequest], changes: AsyncIterator[pb.FollowAdmissionsResponse]
    ) -> AsyncIterator[pb.FollowAdmissionsResponse]:
        """Say what changes and answer what is asked, until the caller asks no more, or something fails."""
        self._start(self._tell(changes)).add_done_callback(self._ended)
        self._start(self._take(requests)).add_done_callback(self._ended)
        try:
            while self._end is None or self._said:
                self._woken.clear()
                while self._said:
                    yield self._said.popleft()
                    self._room.set()
                if self._end is None:
                    await self._woken.wait()
            self._end.result()
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._end = self._end or task
        self._woken.set()

    async def _say(self, response: pb.FollowAdmissionsResponse) -> None:
        while len(self._said) >= _UNREAD:
            self._room.clear()
            await self._room.wait()
        self._said.append(response)
        self._woken.set()

    async def _tell(self, changes: AsyncIterator[pb.FollowAdmissionsResponse]) -> None:
        async for each in changes:
            await self._say(each)

    async def _take(self, requests: AsyncIterator[pb.FollowAdmissionsRequest]) -> None:
        async for request in requests:
            await self._answering.acquire()
            self._start(self._answer(request)).add_done_callback(self._answered)

    def _answered(self, task: asyncio.Task[None]) -> None:
        self._answering.release()
        self._tasks.discard(task)

    async def _answer(self, request: pb.FollowAdmissionsRequest) -> None:
        answer = pb.AdmissionsAnswer(question=request.question)
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                answer.admissions.extend(await self._know(request.hub_ids))
        except TimeoutError:
            answer.failed_reason = DeadlineExceededError.default_reason
        except OraError as error:
            answer.failed_reason = error.reason
        except Exception:  # noqa: BLE001 - logged; a fault of ours costs one question its answer, never the stream
            _LOG.exception("a question could not be answered")
            answer.failed_reason = InternalError.default_reason
        await self._say(pb.FollowAdmissionsResponse(answer=answer))
