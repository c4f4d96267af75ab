"""One gateway with its issuers and services, shared by every test of this room."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import httpx
import pytest

from gateway.values import Address, Bucket, GatewayValues, Issuer, Limits, Listen, Role
from tests.integration.gateway import pki, running, services, tokens

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True)
class World:
    """Everything around one gateway."""

    gateway: running.Running
    pki: pki.Pki
    voltex: tokens.Issuer
    home: tokens.Issuer
    relay: services.Calls
    fleet: services.Calls
    backup: services.Calls

    def bearer(self, **claims: object) -> dict[str, str]:
        return {"authorization": f"Bearer {self.voltex.token(**claims)}"}  # type: ignore[arg-type]

    def tls(self, certificate: Path | None = None) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.pki.folder / "edge-ca.pem"))
        if certificate is not None:
            context.load_cert_chain(certificate / "tls.crt", certificate / "tls.key")
        return context

    def app(self, **options: object) -> httpx.Client:
        return httpx.Client(base_url=self.gateway.app, verify=self.tls(), http2=True, timeout=20, **options)  # type: ignore[arg-type]

    def hub(self, certificate: Path | None) -> httpx.Client:
        return httpx.Client(base_url=self.gateway.hub, verify=self.tls(certificate), timeout=20)


def values(folder: Path, issuers: tuple[Issuer, ...], targets: dict[str, list[int]], limits: Limits) -> GatewayValues:
    app, hub, backup, admin, metrics = (Address("127.0.0.1", port) for port in running.free_ports(5))
    return GatewayValues(
        environment="dev",
        certificates=folder,
        listen=Listen(app=app, hub=hub, backup=backup, admin=admin, metrics=metrics),
        issuers=issuers,
        targets={name: tuple(Address("127.0.0.1", port) for port in ports) for name, ports in targets.items()},
        limits=limits,
        keys_seconds=2,
    )


def issuers(voltex: tokens.Issuer, home: tokens.Issuer) -> tuple[Issuer, ...]:
    pairs = (("voltex", voltex, {"electrician", "org_admin"}), ("home", home, {"homeowner"}))
    return tuple(
        Issuer(
            name=name,
            issuer=each.issuer,
            audience=tokens.AUDIENCE,
            jwks_uri=each.jwks_uri,
            roles=frozenset(map(Role, roles)),
        )
        for name, each, roles in pairs
    )


def replace_jwks(issuer: Issuer, port: int) -> Issuer:
    return replace(issuer, jwks_uri=f"http://127.0.0.1:{port}/jwks")


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("gateway")
    certificates = pki.Pki.make(folder / "certs", ["gateway", "relay", "fleet", "backup"])
    relay, fleet = services.Calls(), services.Calls()
    relay_server, relay_port = services.serve(certificates.folder, "relay", relay)
    fleet_server, fleet_port = services.serve(certificates.folder, "fleet", fleet)
    backup = services.Calls()
    backup_server, backup_port = services.serve(certificates.folder, "backup", backup)
    generous = Bucket(per_second=1000, burst=1000)
    limits = Limits(read=generous, write=generous, stream=generous)
    with tokens.Issuer("https://voltex.test") as voltex, tokens.Issuer("https://home.test") as home:
        targets = {"relay": [relay_port], "fleet": [fleet_port], "backup": [backup_port]}
        configured = values(certificates.folder, issuers(voltex, home), targets, limits)
        with running.gateway(folder, configured) as gateway:
            yield World(gateway, certificates, voltex, home, relay, fleet, backup)
    relay_server.stop(None)
    fleet_server.stop(None)
    backup_server.stop(None)


@pytest.fixture
def world(shared: World) -> Iterator[World]:
    shared.relay.reset()
    shared.fleet.reset()
    shared.backup.reset()
    yield shared
    shared.relay.reset()
    shared.fleet.reset()
    shared.backup.reset()
