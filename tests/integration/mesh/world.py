"""One scratch server and clients of several workloads, over real mutual TLS on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

from mesh.certs import Certificates
from mesh.channel import Channel
from mesh.server import Server
from mesh.settings import Environment, MeshConfig
from mesh.status import DETAILS_KEY
from tests.contract.scratch.compiled import pb, rpc
from tests.integration.mesh.pki import Ca

WORKLOADS = ("fleet", "portal", "gateway", "operator", "relay")
Handler = Callable[[Any, Any], Awaitable[Any]]


async def echo(request: Any, context: Any) -> Any:
    """Answer with the request's name."""
    del context
    return pb.Thing(name=request.name)


class Scratch(rpc.ScratchServiceServicer):  # type: ignore[misc]
    """Each test sets the handler it needs."""

    def __init__(self) -> None:
        self.handler: Handler = echo

    async def Read(self, request: Any, context: Any) -> Any:  # noqa: N802 - the contract's name
        return await self.handler(request, context)

    Create = Release = Report = Public = Read

    async def Watch(self, request: Any, context: Any) -> AsyncIterator[Any]:  # noqa: N802 - the contract's name
        for number in range(3):
            yield pb.Thing(name=f"{request.name}{number}")
        if request.name == "forever":
            await asyncio.Event().wait()
        if request.name == "broken":
            await self.handler(request, context)

    async def Upload(self, requests: Any, context: Any) -> Any:  # noqa: N802 - the contract's name
        del context
        return pb.Thing(name="".join([each.name async for each in requests]))

    async def Chat(self, requests: Any, context: Any) -> AsyncIterator[Any]:  # noqa: N802 - the contract's name
        del context
        async for each in requests:
            yield pb.Thing(name=each.name)


@dataclass
class World:
    """What a test has in hand."""

    certs: Path
    ca: Ca
    config: MeshConfig
    server: Server
    scratch: Scratch
    stack: AsyncExitStack
    channels: dict[str, Channel] = field(default_factory=dict)

    def channel(self, workload: str, **options: Any) -> Channel:
        """Return a channel of a workload to the server."""
        if workload not in self.channels:
            target = f"127.0.0.1:{self.server.port}"
            made = Channel("fleet", [target], Certificates(self.certs, workload), **options)
            self.stack.push_async_callback(made.close)
            self.channels[workload] = made
        return self.channels[workload]

    def stub(self, workload: str) -> Any:
        """Return a stub of the scratch service for a workload."""
        return rpc.ScratchServiceStub(self.channel(workload))


@asynccontextmanager
async def world(folder: Path, *, config: dict[str, Any] | None = None, **server: Any) -> AsyncIterator[World]:
    """Run a server of workload ``fleet``."""
    ca = Ca.make()
    for workload in WORKLOADS:
        ca.issue(folder, workload)
    values: dict[str, Any] = {
        "environment": Environment.DEV,
        "grpc_listen": "127.0.0.1:0",
        "cert_dir": folder,
        "drain_seconds": 1.0,
        **(config or {}),
    }
    settings = MeshConfig(**values)
    built, scratch = Server(settings, workload="fleet", **server), Scratch()
    async with AsyncExitStack() as stack:
        built.add(rpc.add_ScratchServiceServicer_to_server, scratch)
        await built.start()
        stack.push_async_callback(built.stop)
        yield World(folder, ca, settings, built, scratch, stack)


def details(error: grpc.aio.AioRpcError) -> dict[str, Any]:
    """Return the details of a failure by the name of their type."""
    found: dict[str, Any] = {}
    for key, value in error.trailing_metadata() or ():
        if key == DETAILS_KEY:
            for packed in status_pb2.Status.FromString(value).details:
                detail = getattr(error_details_pb2, packed.TypeName().rsplit(".", 1)[1])()
                packed.Unpack(detail)
                found[type(detail).__name__] = detail
    return found


async def refused(call: Awaitable[Any]) -> tuple[grpc.StatusCode, Any]:
    """Await a call that must fail; return its code and ``ErrorInfo``."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    found = details(caught.value)
    assert "ErrorInfo" in found, (caught.value.code(), caught.value.details())
    return caught.value.code(), found["ErrorInfo"]
