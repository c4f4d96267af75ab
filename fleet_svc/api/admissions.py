"""Owns AdmissionService: whether a Hub may be served, and word of every change. Reads; writes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from ora.fleet.v1 import admission_pb2, hub_records_pb2
from ora.fleet.v1 import admission_service_pb2 as pb
from ora.fleet.v1 import admission_service_pb2_grpc as rpc

from fleet_svc.api import capabilities
from fleet_svc.api.follow import Follow
from fleet_svc.api.times import to_timestamp
from fleet_svc.domain.admission import Admission, decide
from fleet_svc.feed import AdmissionFeed, Note
from fleet_svc.store import admissions
from mesh.errors import NotFoundError, UnavailableError
from mesh.ids import HubId

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from fleet_svc.feed import Subscription
    from mesh.db import Database

M = TypeVar("M", pb.WatchAdmissionsResponse, pb.FollowAdmissionsResponse)


class AdmissionService(rpc.AdmissionServiceServicer):
    """Admission of Hubs, once and for as long as one listens."""

    def __init__(self, database: Database, feed: AdmissionFeed) -> None:
        self._database, self._feed = database, feed

    async def GetAdmission(self, request: pb.GetAdmissionRequest, context: Any) -> admission_pb2.Admission:
        """Return the admission of one Hub."""
        del context
        async with self._database.platform(read_only=True) as tx:
            found = await admissions.read(tx, [HubId(UUID(bytes=request.hub_id))])
        if not found:
            raise NotFoundError("the registry knows no such Hub", reason="HUB_UNKNOWN")
        return to_proto(decide(found[0]))

    async def BatchGetAdmissions(
        self, request: pb.BatchGetAdmissionsRequest, context: Any
    ) -> pb.BatchGetAdmissionsResponse:
        """Return the admissions of those Hubs that the registry knows."""
        del context
        return pb.BatchGetAdmissionsResponse(admissions=await self._known(request.hub_ids))

    async def WatchAdmissions(
        self, request: pb.WatchAdmissionsRequest, context: Any
    ) -> AsyncIterator[pb.WatchAdmissionsResponse]:
        """Tell every change from now on; the first message, a heartbeat, says that the watch stands."""
        del request, context
        with self._feed.subscribe() as subscription:
            async for each in self._told(subscription, pb.WatchAdmissionsResponse):
                yield each

    async def FollowAdmissions(
        self, requests: AsyncIterator[pb.FollowAdmissionsRequest], context: Any
    ) -> AsyncIterator[pb.FollowAdmissionsResponse]:
        """Tell every change from now on, and answer what is asked meanwhile."""
        del context
        with self._feed.subscribe() as subscription:
            changes = self._told(subscription, pb.FollowAdmissionsResponse)
            async for each in Follow(self._known).run(requests, changes):
                yield each

    async def _told(self, subscription: Subscription, message: Callable[..., M]) -> AsyncIterator[M]:
        """Yield what a watcher is told, the first of it at once."""
        period = self._feed.heartbeat_ms
        yield message(heartbeat_ms=period)
        while True:
            match await subscription.next():
                case Admission() as admission:
                    yield message(changed=to_proto(admission), heartbeat_ms=period)
                case Note.RESYNC:
                    yield message(resync=True, heartbeat_ms=period)
                case Note.HEARTBEAT:
                    yield message(heartbeat_ms=period)
                case Note.END:
                    raise UnavailableError("this node is going away; watch another", reason="DRAINING")

    async def _known(self, hub_ids: Sequence[bytes]) -> list[admission_pb2.Admission]:
        """Return the admissions of those of these Hubs that the registry knows, all from one moment."""
        async with self._database.platform(read_only=True) as tx:
            found = await admissions.read(tx, [HubId(UUID(bytes=each)) for each in hub_ids])
        return [to_proto(decide(facts)) for facts in found]


def to_proto(admission: Admission) -> admission_pb2.Admission:
    """Return the admission as the contract shows it."""
    since = admission.certificates_not_before
    return admission_pb2.Admission(
        hub_id=admission.hub_id.bytes,
        version=admission.version,
        active=admission.active,
        capabilities=capabilities.to_proto(admission.capabilities),
        peers=[
            hub_records_pb2.Peer(
                peer_id=each.peer_id, subject_digest=each.subject_digest, not_after_seconds=each.not_after_seconds
            )
            for each in admission.peers
        ],
        certificates_not_before=to_timestamp(since) if since else None,
        revoked_serials=admission.revoked_serials,
        project_locked=admission.project_locked,
        lock_epoch=admission.lock_epoch,
        owner_epoch=admission.owner_epoch,
        owner_public_key=admission.owner_public_key,
    )
