"""Owns calls to every relay process of a stack as the operator workload: sessions, traces, counters. Prints nothing."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ora.relay.v1 import relay_operations_service_pb2 as pb
from ora.relay.v1.relay_operations_service_pb2_grpc import RelayOperationsServiceStub

from mesh.certs import Certificates
from mesh.channel import Channel

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from ora.relay.v1.relay_operations_service_pb2_grpc import RelayOperationsServiceAsyncStub

    from devstack.state import Running

_PREFIX: Final = "relay-"
_OTHERS: Final = "grpc."


@asynccontextmanager
async def relays(stack: Running) -> AsyncIterator[dict[str, RelayOperationsServiceAsyncStub]]:
    """Open a stub for each worker of each relay that runs, by its name."""
    certificates = Certificates(Path(stack.file("certificates")), "operator")
    async with AsyncExitStack() as opened:
        stubs: dict[str, RelayOperationsServiceAsyncStub] = {}
        for name, component in sorted(stack.data["components"].items()):
            if name.startswith(_PREFIX) and component["state"] == "ready":
                for worker, address in workers(name, component["addresses"]).items():
                    channel = Channel("relay", [address], certificates)
                    stubs[worker] = RelayOperationsServiceStub(await opened.enter_async_context(channel))
        yield stubs


def workers(name: str, addresses: Mapping[str, str]) -> dict[str, str]:
    """Return the gRPC address of each worker of a relay, by the name that the worker goes by."""
    others = {f"{name}.{use[len(_OTHERS) :]}": each for use, each in addresses.items() if use.startswith(_OTHERS)}
    return {f"{name}.0": addresses["grpc"], **others} if others else {name: addresses["grpc"]}


async def steps(stack: Running, message_id: bytes) -> list[pb.TraceStep]:
    """Return what all relays know of one envelope, in the order in which it happened."""
    found: list[pb.TraceStep] = []
    async with relays(stack) as stubs:
        for stub in stubs.values():
            answer = await stub.TraceEnvelope(pb.TraceEnvelopeRequest(message_id=message_id))
            found += answer.steps
    return sorted(found, key=lambda step: (step.time.seconds, step.time.nanos))


async def sessions(stack: Running) -> AsyncIterator[tuple[str, pb.Session]]:
    """Yield every live session with the relay that has it."""
    async with relays(stack) as stubs:
        for name, stub in stubs.items():
            token = ""
            while True:
                page = await stub.ListSessions(pb.ListSessionsRequest(page_token=token))
                for session in page.sessions:
                    yield name, session
                token = page.next_page_token
                if not token:
                    break


async def statuses(stack: Running) -> list[pb.NodeStatus]:
    """Read the counters of every relay once."""
    read = []
    async with relays(stack) as stubs:
        for stub in stubs.values():
            async for status in stub.WatchNode(pb.WatchNodeRequest()):
                read.append(status)
                break
    return read
