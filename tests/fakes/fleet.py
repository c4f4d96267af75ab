"""An AdmissionService that says what a test tells it to, on the contract's own types."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

from ora.common.v1 import capability_pb2
from ora.fleet.v1 import admission_pb2, hub_records_pb2
from ora.fleet.v1 import admission_service_pb2 as pb
from ora.fleet.v1 import admission_service_pb2_grpc as rpc

from fleet_svc.api.follow import Follow
from mesh.errors import NotFoundError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

M = TypeVar("M", pb.WatchAdmissionsResponse, pb.FollowAdmissionsResponse)
HEARTBEAT_MS = 200


class FakeAdmissionService(rpc.AdmissionServiceServicer):
    """Hubs in a dictionary; each change goes to every watcher."""

    def __init__(self) -> None:
        self.hubs: dict[bytes, admission_pb2.Admission] = {}
        self.away = False
        self.asked = 0
        self.calls = 0
        self._watchers: set[asyncio.Queue[admission_pb2.Admission | None]] = set()
        self.watched = asyncio.Event()

    def set(
        self, hub_id: bytes, *, relay: bool = True, active: bool = True, peers: dict[bytes, bytes] | None = None
    ) -> admission_pb2.Admission:
        """Give a Hub a new admission and tell the watchers."""
        known = self.hubs.get(hub_id)
        listed = {each.peer_id: each.subject_digest for each in known.peers} if known and peers is None else peers or {}
        admission = admission_pb2.Admission(
            hub_id=hub_id,
            version=known.version + 1 if known else 1,
            active=active,
            capabilities=[capability_pb2.CAPABILITY_RELAY] if relay else [],
            peers=[hub_records_pb2.Peer(peer_id=peer, subject_digest=digest) for peer, digest in listed.items()],
        )
        return self.put(admission)

    def put(self, admission: admission_pb2.Admission) -> admission_pb2.Admission:
        """Take any admission and tell the watchers."""
        self.hubs[admission.hub_id] = admission
        for watcher in self._watchers:
            watcher.put_nowait(admission)
        return admission

    async def watched_by(self, count: int) -> None:
        """Return when so many watch."""
        while len(self._watchers) < count:
            self.watched.clear()
            await self.watched.wait()

    def go_away(self) -> None:
        """Answer nothing any longer, and end every watch."""
        self.away = True
        for watcher in self._watchers:
            watcher.put_nowait(None)

    async def GetAdmission(  # noqa: N802 - the contract's name
        self, request: pb.GetAdmissionRequest, context: Any
    ) -> admission_pb2.Admission:
        del context
        self.asked += 1
        if self.away:
            raise UnavailableError("away")
        found = self.hubs.get(request.hub_id)
        if found is None:
            raise NotFoundError("the registry knows no such Hub", reason="HUB_UNKNOWN")
        return found

    async def BatchGetAdmissions(  # noqa: N802 - the contract's name
        self, request: pb.BatchGetAdmissionsRequest, context: Any
    ) -> pb.BatchGetAdmissionsResponse:
        del context
        return pb.BatchGetAdmissionsResponse(admissions=await self._known(request.hub_ids))

    async def _known(self, hub_ids: Sequence[bytes]) -> list[admission_pb2.Admission]:
        self.asked += len(hub_ids)
        self.calls += 1
        if self.away:
            raise UnavailableError("away")
        return [self.hubs[each] for each in hub_ids if each in self.hubs]

    async def WatchAdmissions(  # noqa: N802 - the contract's name
        self, request: pb.WatchAdmissionsRequest, context: Any
    ) -> AsyncIterator[pb.WatchAdmissionsResponse]:
        del request, context
        async for each in self._told(pb.WatchAdmissionsResponse):
            yield each

    async def FollowAdmissions(  # noqa: N802 - the contract's name
        self, requests: AsyncIterator[pb.FollowAdmissionsRequest], context: Any
    ) -> AsyncIterator[pb.FollowAdmissionsResponse]:
        del context
        async for each in Follow(self._known).run(requests, self._told(pb.FollowAdmissionsResponse)):
            yield each

    async def _told(self, message: Callable[..., M]) -> AsyncIterator[M]:
        if self.away:
            raise UnavailableError("away")
        queue: asyncio.Queue[admission_pb2.Admission | None] = asyncio.Queue()
        self._watchers.add(queue)
        self.watched.set()
        try:
            yield message(heartbeat_ms=HEARTBEAT_MS)
            while True:
                try:
                    async with asyncio.timeout(HEARTBEAT_MS / 1000):
                        changed = await queue.get()
                except TimeoutError:
                    yield message(heartbeat_ms=HEARTBEAT_MS)
                    continue
                if changed is None:
                    raise UnavailableError("away")
                yield message(changed=changed, heartbeat_ms=HEARTBEAT_MS)
        finally:
            self._watchers.discard(queue)
