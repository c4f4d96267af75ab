"""Every service of the contract: the mesh's own server, with handlers that do nothing.

So a call is refused for what the gateway and the mesh refuse, for each method, whether its service is built or not.
"""

from __future__ import annotations

import asyncio
import importlib
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from gateway.contract import DESCRIPTORS
from mesh import settings
from mesh.call import current_call
from mesh.clock import monotonic
from mesh.errors import UnauthenticatedError
from mesh.identity import ApiClient
from mesh.ids import TenantId, parse_uuid
from mesh.ratelimit import Limit, RateLimiter
from mesh.server import Server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence
    from datetime import timedelta
    from pathlib import Path

    from google.protobuf.descriptor import MethodDescriptor

WORKLOADS = ("relay", "fleet", "portal", "ingest", "backup")
TENANT = "0197a000-0000-7000-8000-00000000000a"
_API_TOKEN = "orat_0123456789abcdef_" + "a" * 42


class _Unlimited(RateLimiter):
    """Counts nothing but proofs, each of which is good once. Limits have tests of their own."""

    def __init__(self) -> None:
        super().__init__(None, monotonic=monotonic)

    async def take(self, key: str, limit: Limit, *, fail_closed: bool) -> timedelta | None:
        del fail_closed
        return await super().take(key, limit, fail_closed=False) if key.startswith("ora:limit:proof:") else None


class ApiTokens:
    """Knows one token for each index into ``scopes``; its last character is the index."""

    def __init__(self, scopes: Sequence[str]) -> None:
        self.scopes = list(scopes)

    def token(self, scope: str) -> str:
        return _API_TOKEN + "abcdefghijklmnopqrstuvwxyz0123456789"[self.scopes.index(scope)]

    async def verify(self, token: str) -> ApiClient:
        known = {self.token(scope): scope for scope in self.scopes}
        tenant = parse_uuid(TENANT)
        if token not in known or tenant is None:
            raise UnauthenticatedError("no such token", reason="TOKEN_INVALID")
        return ApiClient(token_id=known[token], tenant=TenantId(tenant), scopes=frozenset({known[token]}))


class _Handlers:
    """A servicer of any service: each method notes its name and gives an empty answer, or none to a stream."""

    def __init__(self, methods: dict[str, MethodDescriptor], reached: set[str]) -> None:
        self._methods, self._reached = methods, reached

    def __getattr__(self, name: str) -> Any:
        if name not in self._methods:
            raise AttributeError(name)
        method = self._methods[name]
        answer = message_factory.GetMessageClass(method.output_type)

        async def one(request: Any, context: Any) -> Any:
            del request, context
            self._note(method)
            return answer()

        async def many(request: Any, context: Any) -> AsyncIterator[Any]:
            del request, context
            self._note(method)
            yield answer()

        return many if method.server_streaming else one

    def _note(self, method: MethodDescriptor) -> None:
        current_call().request_key_used = True
        self._reached.add(method.full_name)


@dataclass(frozen=True)
class Everything:
    """All five workloads, each on its port."""

    ports: dict[str, int]
    reached: set[str]
    api_tokens: ApiTokens


def _services(workload: str) -> Iterator[tuple[str, str]]:
    files = descriptor_pb2.FileDescriptorSet.FromString(DESCRIPTORS.read_bytes())
    for file in files.file:
        if file.package == f"ora.{workload}.v1" and file.service:
            module = file.name.removesuffix(".proto").replace("/", ".")
            importlib.import_module(module + "_pb2")
            for service in file.service:
                yield module + "_pb2_grpc", f"{file.package}.{service.name}"


async def _start(certificates: Path, workload: str, issuers: tuple[settings.Issuer, ...], all_: Everything) -> Server:
    config = settings.MeshConfig(
        environment=settings.Environment.DEV, grpc_listen="127.0.0.1:0", cert_dir=certificates, issuers=issuers
    )
    server = Server(config, workload=workload, limiter=_Unlimited(), api_tokens=all_.api_tokens)
    for module, name in _services(workload):
        service = descriptor_pool.Default().FindServiceByName(name)
        add = getattr(importlib.import_module(module), f"add_{service.name}Servicer_to_server")
        server.add(add, _Handlers(dict(service.methods_by_name), all_.reached))
    all_.ports[workload] = await server.start()
    return server


@contextmanager
def running(certificates: Path, issuers: tuple[settings.Issuer, ...], scopes: Sequence[str]) -> Iterator[Everything]:
    """Serve everything from a thread of its own."""
    made = Everything({}, set(), ApiTokens(scopes))
    ready, loop = threading.Event(), asyncio.new_event_loop()
    stopping = asyncio.Event()

    async def serve() -> None:
        servers = [await _start(certificates, each, issuers, made) for each in WORKLOADS]
        ready.set()
        await stopping.wait()
        await asyncio.gather(*(each.stop() for each in servers))

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
    thread.start()
    assert ready.wait(20)
    try:
        yield made
    finally:
        loop.call_soon_threadsafe(stopping.set)
        thread.join(20)
        loop.close()


def channel(certificates: Path, workload: str, port: int, caller: str = "gateway") -> grpc.Channel:
    """Return a channel to one workload, as another."""
    folder = certificates / caller
    pair = (folder.joinpath("tls.key").read_bytes(), folder.joinpath("tls.crt").read_bytes())
    credentials = grpc.ssl_channel_credentials(certificates.joinpath("mesh-ca.pem").read_bytes(), *pair)
    return grpc.secure_channel(f"127.0.0.1:{port}", credentials, options=[("grpc.ssl_target_name_override", workload)])
