"""Owns the fleet service of a measurement: it admits every Hub. A process of its own, so that its CPU is its own.

`python -m bench.relay.fleet CERTIFICATES PORT`
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ora.common.v1 import capability_pb2
from ora.fleet.v1 import admission_pb2, hub_records_pb2
from ora.fleet.v1 import admission_service_pb2 as pb
from ora.fleet.v1 import admission_service_pb2_grpc as rpc

from bench.relay.packets import ISSUER, PEER, SUBJECT
from fleet_svc.api.follow import Follow
from mesh import tasks
from mesh.server import Server
from mesh.settings import Environment, MeshConfig
from relay.routing.peers import subject_digest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

_HEARTBEAT_MS: Final = 5000
# A household has a few phones.
_OTHERS: Final = tuple(bytes([each]) * 16 for each in range(1, 4))


class Everybody(rpc.AdmissionServiceServicer):
    """Knows every Hub, active, with consent for the relay and the same peers."""

    async def GetAdmission(  # noqa: N802 - the contract's name
        self, request: pb.GetAdmissionRequest, context: Any
    ) -> admission_pb2.Admission:
        """Admit one Hub."""
        del context
        return _admission(request.hub_id)

    async def BatchGetAdmissions(  # noqa: N802 - the contract's name
        self, request: pb.BatchGetAdmissionsRequest, context: Any
    ) -> pb.BatchGetAdmissionsResponse:
        """Admit them all."""
        del context
        return pb.BatchGetAdmissionsResponse(admissions=await _known(request.hub_ids))

    async def WatchAdmissions(  # noqa: N802 - the contract's name
        self, request: pb.WatchAdmissionsRequest, context: Any
    ) -> AsyncIterator[pb.WatchAdmissionsResponse]:
        """Say that nothing changes."""
        del request, context
        async for each in _heartbeats():
            yield pb.WatchAdmissionsResponse(heartbeat_ms=each.heartbeat_ms)

    async def FollowAdmissions(  # noqa: N802 - the contract's name
        self, requests: AsyncIterator[pb.FollowAdmissionsRequest], context: Any
    ) -> AsyncIterator[pb.FollowAdmissionsResponse]:
        """Admit them all, and say that nothing changes."""
        del context
        async for each in Follow(_known).run(requests, _heartbeats()):
            yield each


async def _known(hub_ids: Sequence[bytes]) -> list[admission_pb2.Admission]:
    return [_admission(each) for each in hub_ids]


async def _heartbeats() -> AsyncIterator[pb.FollowAdmissionsResponse]:
    while True:
        yield pb.FollowAdmissionsResponse(heartbeat_ms=_HEARTBEAT_MS)
        await asyncio.sleep(_HEARTBEAT_MS / 1000)


def _admission(hub_id: bytes) -> admission_pb2.Admission:
    digest = subject_digest(hub_id, ISSUER, SUBJECT)
    return admission_pb2.Admission(
        hub_id=hub_id,
        version=1,
        active=True,
        capabilities=[capability_pb2.CAPABILITY_RELAY],
        peers=[hub_records_pb2.Peer(peer_id=each, subject_digest=digest) for each in (PEER, *_OTHERS)],
    )


async def serve(scope: tasks.Scope) -> None:
    """Serve until told to stop."""
    folder, port = Path(sys.argv[1]), int(sys.argv[2])
    config = MeshConfig(
        environment=Environment.DEV, grpc_listen=f"127.0.0.1:{port}", cert_dir=folder, drain_seconds=0.1
    )
    server = Server(config, workload="fleet")
    server.add(rpc.add_AdmissionServiceServicer_to_server, Everybody())
    await server.start()
    await scope.stopping.wait()
    await server.stop()


if __name__ == "__main__":
    sys.exit(tasks.run(serve))
