"""Owns the questions that tell whether a component serves. Each raises while the answer is no; nothing here waits."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

_PATIENCE = 2.0


class NotReadyError(Exception):
    """It answers, but not as it should."""


class Probe(Protocol):
    """One question."""

    async def ask(self) -> None:
        """Return once it serves, or raise what stands in the way."""


@dataclass(frozen=True, slots=True)
class Postgres:
    """A query is answered."""

    url: str

    async def ask(self) -> None:
        """Connect and select."""
        import asyncpg  # noqa: PLC0415 - half the commands never need it

        try:
            connection = await asyncpg.connect(self.url, timeout=_PATIENCE)
        except asyncpg.PostgresError as error:
            raise NotReadyError(str(error)) from error
        try:
            await connection.fetchval("SELECT 1")
        finally:
            await connection.close()


@dataclass(frozen=True, slots=True)
class Redis:
    """PING is answered by PONG."""

    url: str

    async def ask(self) -> None:
        """Log in and ping."""
        from redis.asyncio import Redis as Client  # noqa: PLC0415 - half the commands never need it
        from redis.exceptions import RedisError  # noqa: PLC0415

        client = Client.from_url(self.url, socket_connect_timeout=_PATIENCE, socket_timeout=_PATIENCE)
        try:
            await client.ping()
        except RedisError as error:
            raise NotReadyError(str(error)) from error
        finally:
            await client.aclose()


@dataclass(frozen=True, slots=True)
class Http:
    """A GET is answered by 200."""

    host: str
    port: int
    path: str

    async def ask(self) -> None:
        """Ask once."""
        await self.body()

    async def body(self) -> str:
        """Ask once; return everything after the first line of the answer."""
        async with asyncio.timeout(_PATIENCE):
            reader, writer = await asyncio.open_connection(self.host, self.port)
            try:
                writer.write(f"GET {self.path} HTTP/1.1\r\nhost: {self.host}\r\nconnection: close\r\n\r\n".encode())
                status, _, rest = (await reader.read()).decode(errors="replace").partition("\r\n")
            finally:
                writer.close()
        if " 200 " not in f"{status} ":
            raise NotReadyError(f"GET {self.path}: {status or 'no answer'}")
        return rest


@dataclass(frozen=True, slots=True)
class Upstreams:
    """Envoy has found each of its services healthy; before, it answers calls for them with 503."""

    admin: Http

    async def ask(self) -> None:
        """Ask once. ``admin`` is asked for the statistics of how many members are healthy."""
        lines = (await self.admin.body()).splitlines()
        counted = [line.strip() for line in lines if ".membership_healthy: " in line]
        if ill := [line.split(".")[1] for line in counted if line.endswith(": 0")]:
            raise NotReadyError(f"the gateway has not found {', '.join(ill)} healthy")
        if not counted:
            raise NotReadyError("the gateway counts no members yet")


@dataclass(frozen=True, slots=True)
class Tls:
    """A TLS handshake reaches us, as far as a client without a certificate can go."""

    host: str
    port: int
    authority: Path
    server_name: str

    async def ask(self) -> None:
        """Shake hands once; a TLS 1.3 client ends its half before it hears that its certificate is missing."""
        context = ssl.create_default_context(cafile=str(self.authority))
        async with asyncio.timeout(_PATIENCE):
            _, writer = await asyncio.open_connection(
                self.host, self.port, ssl=context, server_hostname=self.server_name
            )
            writer.close()


@dataclass(frozen=True, slots=True)
class GrpcHealth:
    """The standard health service says SERVING, over the mesh's mutual TLS."""

    target: str
    server_name: str
    certificates: Path
    caller: str

    async def ask(self) -> None:
        """Ask once."""
        import grpc  # noqa: PLC0415 - half the commands never need it
        from grpc_health.v1 import health_pb2  # noqa: PLC0415

        own = self.certificates / self.caller
        credentials = grpc.ssl_channel_credentials(
            (self.certificates / "mesh-ca.pem").read_bytes(),
            (own / "tls.key").read_bytes(),
            (own / "tls.crt").read_bytes(),
        )
        options = [("grpc.ssl_target_name_override", self.server_name), ("grpc.enable_http_proxy", 0)]
        async with grpc.aio.secure_channel(self.target, credentials, options=options) as channel:
            check = channel.unary_unary(
                "/grpc.health.v1.Health/Check",
                request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
                response_deserializer=health_pb2.HealthCheckResponse.FromString,
            )
            try:
                answer = await check(health_pb2.HealthCheckRequest(), timeout=_PATIENCE)
            except grpc.aio.AioRpcError as error:
                raise NotReadyError(f"{error.code().name}: {error.details()}") from error
        if answer.status != health_pb2.HealthCheckResponse.SERVING:
            raise NotReadyError(health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status))


@dataclass(frozen=True, slots=True)
class All:
    """Every one of these answers."""

    probes: tuple[Probe, ...]

    async def ask(self) -> None:
        """Ask them in turn."""
        for each in self.probes:
            await each.ask()
