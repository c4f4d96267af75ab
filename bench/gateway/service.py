"""Owns the service that is called: the mesh's own server, a handler that only answers. It knows no caller.

`python -m bench.gateway.service CERTIFICATES PORT ISSUERS`
"""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ora.relay.v1 import relay_service_pb2 as pb
from ora.relay.v1 import relay_service_pb2_grpc as rpc

from mesh.ratelimit import Limit, RateLimits
from mesh.server import Server
from mesh.settings import Environment, MeshConfig, parse_issuers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

STREAMS: Final = 4000
HEARTBEAT_SECONDS: Final = 5.0
_OFTEN: Final = Limit(per_minute=6e6, burst=100_000)


class Relay(rpc.RelayServiceServicer):
    """Answers as a relay does whose Hub is quick."""

    async def Send(self, request: pb.SendRequest, context: Any) -> pb.SendResponse:  # noqa: N802 - the contract's name
        """Say that it arrived."""
        del context
        return pb.SendResponse(message_id=request.envelope.route_header[:16], outcome=pb.OUTCOME_DELIVERED)

    async def Receive(self, request: pb.ReceiveRequest, context: Any) -> AsyncIterator[pb.ReceiveResponse]:  # noqa: N802
        """Stay, and say so now and then."""
        del request, context
        yield pb.ReceiveResponse(attached=pb.Attached(hub_connected=True, heartbeat_ms=int(HEARTBEAT_SECONDS * 1000)))
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            yield pb.ReceiveResponse()


async def main(certificates: Path, port: int, issuers: str) -> None:
    """Serve until told to stop."""
    config = MeshConfig(
        environment=Environment.DEV,
        grpc_listen=f"127.0.0.1:{port}",
        cert_dir=certificates,
        issuers=parse_issuers(issuers),
        rate_limits=RateLimits(write=_OFTEN, streams=STREAMS),
        max_concurrent_calls=STREAMS,
        log_level="warning",
        drain_seconds=0.5,
    )
    server = Server(config, workload="relay")
    server.add(rpc.add_RelayServiceServicer_to_server, Relay())  # type: ignore[abstract] # nobody asks for a tunnel
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    await server.serve(stopping)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
