"""Owns asking the fleet service about Hubs, and listening to what it says by itself. Decides nothing about either."""

from __future__ import annotations

import asyncio
import contextvars
import random
import time
from collections import deque
from datetime import UTC
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import grpc
from ora.common.v1 import capability_pb2
from ora.fleet.v1 import admission_service_pb2 as pb

from mesh import log, names
from mesh.channel import reason_of
from mesh.errors import OraError
from relay.api.admission_stream import ASK_SECONDS, AdmissionStream, StreamEndedError
from relay.handlers import admission as answers
from relay.routing.admission import STALE_SECONDS, Admission, PackedPeers
from relay.routing.reasons import Close
from relay.routing.spacing import Spacing

if TYPE_CHECKING:
    from ora.fleet.v1 import admission_pb2

    from relay.api.admission_stream import Known
    from relay.routing.node import Node

_LOG: Final = log.get(__name__)
# Calls at once, and Hubs in one call: whoever comes while calls are under way goes with the next one.
_CALLS: Final = 2
_BATCH: Final = 256
# From a call to the next one: who comes alone does not wait, a herd goes in groups.
_APART_SECONDS: Final = 0.003
_APART_AT_MOST: Final = 0.024
_BACKOFF_SECONDS: Final = 0.1
_LONGEST_BACKOFF_SECONDS: Final = 2.0

_NONE: Final[frozenset[bytes]] = frozenset()

# A known Hub's admission, or why there is none.
Answer = Admission | Close


class Admissions:
    """The relay's view of the fleet service."""

    def __init__(self, node: Node, stub: Any, *, apart_seconds: float = _APART_SECONDS) -> None:
        self._node = node
        self._stub = stub
        # Whom somebody waits for, and those of them that no call has asked about yet.
        self._asking: dict[bytes, asyncio.Future[Answer]] = {}
        self._wanted: deque[bytes] = deque()
        self._calls: set[asyncio.Future[Known]] = set()
        self._spacing = Spacing(apart_seconds, _APART_AT_MOST)
        self._timer: asyncio.TimerHandle | None = None
        # How often the watch has begun anew.
        self._watches = 0
        # The stream of questions and changes, while it stands.
        self._stream: AdmissionStream | None = None
        # Hubs that are here and have not been asked about well since it began, and when it did: they are asked about at
        # each word of the watch, and end when what they were let in by is as old as nothing may be.
        self._unsure: dict[bytes, float] = {}
        node.ask_admission = self._begin

    async def of(self, hub_id: bytes) -> Answer:
        """Return what counts for a Hub now, asked for if need be."""
        known = self._node.admissions.get(hub_id, time.monotonic())
        return known if known is not None else await asyncio.shield(self._begin(hub_id))

    def _begin(self, hub_id: bytes) -> asyncio.Future[Answer]:
        """Ask about a Hub, once however many want to know."""
        future = self._asking.get(hub_id)
        if future is None:
            future = self._asking[hub_id] = asyncio.get_running_loop().create_future()
            self._wanted.append(hub_id)
            self._call()
        return future

    def _call(self) -> None:
        """Begin calls for those whom none has asked about."""
        while self._wanted and self._timer is None and len(self._calls) < _CALLS:
            loop = asyncio.get_running_loop()
            pause = self._spacing.wait(loop.time())
            if pause > 0:
                self._timer = loop.call_later(pause, self._paused)
                return
            batch = [self._wanted.popleft() for _ in range(min(len(self._wanted), _BATCH))]
            self._spacing.began(len(batch), loop.time())
            if self._stream is not None:
                call = self._stream.ask(batch)
            else:
                # Outside of what caused it: it has neither its deadline nor its trace.
                call = loop.create_task(self._ask(batch), context=contextvars.Context())
            self._calls.add(call)
            call.add_done_callback(partial(self._called, batch, self._watches))

    def _paused(self) -> None:
        self._timer = None
        self._call()

    async def _ask(self, batch: list[bytes]) -> Known:
        """Ask by a call of its own."""
        request = pb.BatchGetAdmissionsRequest(hub_ids=batch)
        response: pb.BatchGetAdmissionsResponse = await self._stub.BatchGetAdmissions(request, timeout=ASK_SECONDS)
        return response.admissions

    def _called(self, batch: list[bytes], watch: int, call: asyncio.Future[Known]) -> None:
        """Take what a call has come to, and begin the next one."""
        self._calls.discard(call)
        if call.cancelled():
            return
        try:
            self._take(batch, watch, call)
        finally:
            self._call()

    def _take(self, batch: list[bytes], watch: int, call: asyncio.Future[Known]) -> None:
        match call.exception():
            case None if watch == self._watches:
                self._answered(batch, call.result(), Close.HUB_NOT_ACTIVE)
            case None | StreamEndedError():
                # It may have been read before a change that the new watch does not tell; or nobody has read it.
                self._wanted.extendleft(reversed(batch))
            case error:
                if not isinstance(error, grpc.aio.AioRpcError | OraError):
                    _LOG.error("an admission could not be taken", exc_info=error)
                self._answered(batch, (), Close.ADMISSION_UNAVAILABLE)

    def _answered(self, batch: list[bytes], found: Known, missing: Close) -> None:
        """Answer for each Hub of a call: those that were found, and why the others were not."""
        self._clock()
        by_hub = {each.hub_id: each for each in found}
        for hub_id in batch:
            try:
                known = by_hub.get(hub_id)
                answer = self._none(hub_id, missing) if known is None else self._one(from_proto(known))
            except Exception:  # noqa: BLE001 - logged; a fault of ours costs one Hub an answer, never the others theirs
                _LOG.exception("an admission could not be taken")
                answer = self._none(hub_id, Close.ADMISSION_UNAVAILABLE)
            if answer is not Close.ADMISSION_UNAVAILABLE:
                self._unsure.pop(hub_id, None)
            future = self._asking.pop(hub_id)
            if not future.done():
                future.set_result(answer)

    def _one(self, admission: Admission) -> Admission:
        answers.answered(self._node, admission)
        return self._node.admissions.get(admission.hub_id, self._node.now) or admission

    def _none(self, hub_id: bytes, close: Close) -> Close:
        answers.unanswered(self._node, hub_id, close)
        if close is Close.HUB_NOT_ACTIVE:
            self._node.admission_gone(hub_id, close)
        return close

    def _clock(self) -> None:
        self._node.now, self._node.wall = time.monotonic(), time.time()

    # -- the watch -----------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Follow every change, for ever."""
        backoff = _BACKOFF_SECONDS
        while True:
            began = time.monotonic()
            try:
                await self._watch()
            except (grpc.aio.AioRpcError, OraError, TimeoutError) as error:
                self._node.admissions.lost()
                _LOG.warning("the admission watch is gone", **{names.REASON: _reason(error)})
            if time.monotonic() - began > _LONGEST_BACKOFF_SECONDS:
                backoff = _BACKOFF_SECONDS
            await asyncio.sleep(backoff * random.uniform(0.5, 1.0))  # noqa: S311 - spreads load, hides nothing
            backoff = min(backoff * 2, _LONGEST_BACKOFF_SECONDS)

    async def _watch(self) -> None:
        stream = AdmissionStream(self._stub)
        try:
            first = True
            async for message in stream.changes():
                self._stream = stream
                self._heard(message, first=first)
                first = False
            self._node.admissions.lost()
        finally:
            self._stream = None
            stream.close()

    def _heard(self, message: pb.FollowAdmissionsResponse, *, first: bool) -> None:
        self._clock()
        node = self._node
        if first or message.resync:
            # Changes may have been missed: nothing that is cached counts, and who is here is asked about again.
            self._watches += 1
            node.admissions.forget()
            self._unsure = {each: self._unsure.get(each, node.now) for each in (*node.hubs, *node.receivers.hubs())}
        node.admissions.heard(node.now)
        for hub_id, since in list(self._unsure.items()):
            if node.now - since > STALE_SECONDS:
                del self._unsure[hub_id]
                node.admission_gone(hub_id, Close.ADMISSION_UNAVAILABLE)
            else:
                self._begin(hub_id)
        if message.HasField("changed") and self._concerns(message.changed.hub_id):
            answers.answered(node, from_proto(message.changed))

    def _concerns(self, hub_id: bytes) -> bool:
        """Return whether a change matters here: most Hubs are with other nodes. One being asked about does."""
        node = self._node
        known = node.admissions.get(hub_id, node.now) is not None or hub_id in self._asking
        return known or hub_id in node.hubs or bool(node.receivers.of_hub(hub_id))

    async def close(self) -> None:
        """End what is being asked."""
        self._wanted.clear()
        if self._timer is not None:
            self._timer.cancel()
        calls = list(self._calls)
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        for future in self._asking.values():
            future.cancel()


def from_proto(message: admission_pb2.Admission) -> Admission:
    """Return the admission in the relay's own words."""
    since = message.certificates_not_before
    return Admission(
        hub_id=message.hub_id,
        version=message.version,
        active=message.active,
        relay=capability_pb2.CAPABILITY_RELAY in message.capabilities,
        peers=PackedPeers((each.peer_id, each.subject_digest, each.not_after_seconds) for each in message.peers),
        certificates_not_before=since.ToDatetime(UTC) if message.HasField("certificates_not_before") else None,
        revoked_serials=frozenset(message.revoked_serials) if message.revoked_serials else _NONE,
        project_locked=message.project_locked,
    )


def _reason(error: grpc.aio.AioRpcError | OraError | TimeoutError) -> str:
    match error:
        case OraError():
            return error.reason
        case grpc.aio.AioRpcError():
            return reason_of(error) or error.code().name
        case _:
            return "TIMEOUT"
