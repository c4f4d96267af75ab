"""Owns Hubs that are connected to many relays, and the two ways in which they lose their right to be. Tells nothing."""

from __future__ import annotations

import asyncio
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ora.fleet.v1.certificate_pb2 import REVOCATION_REASON_LOST
from ora.fleet.v1.certificate_service_pb2 import ListCertificatesRequest, RevokeHubCertificatesRequest
from ora.fleet.v1.certificate_service_pb2_grpc import CertificateServiceStub

from devstack.dev import enrolment, target
from devstack.dev.household import Household
from hubsim.link import Link, LinkSettings, MqttVersion, client_tls

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bench.fleet.scene import Stack

REVOKED: Final = "CERTIFICATE_REVOKED"
WITHDRAWN: Final = "CONSENT_OFF"
# Longer than everything together: nobody is to end because it was silent.
_KEEP_ALIVE: Final = 300
_PATIENCE: Final = 10.0
_ENROLLED_AT_ONCE: Final = 8


@dataclass(frozen=True, slots=True)
class Connected:
    """A Hub with a live session."""

    relay: str
    folder: Path
    link: Link


@dataclass(frozen=True, slots=True)
class Cut:
    """How long it took from the beginning of the call to the end of the Hub's socket."""

    relay: str
    why: str
    seconds: float


async def connected(stack: Stack, folder: Path, count: int, relays: list[str]) -> list[Connected]:
    """Enrol Hubs that may use the relay, and connect them to the relays in turn."""
    slots = asyncio.Semaphore(_ENROLLED_AT_ONCE)

    async def one(relay: str) -> Connected:
        async with slots:
            hub = str(uuid.uuid4())
            await enrolment.enrol_new(stack.running, hub, folder / hub)
            await Household(stack.running, folder / hub).consent(on={"RELAY"}, off=set())
            return Connected(relay, folder / hub, await _link(stack, folder / hub, relay))

    return await asyncio.gather(*(one(relays[number % len(relays)]) for number in range(count)))


async def _link(stack: Stack, folder: Path, relay: str) -> Link:
    host, _, port = stack.running.address(relay, "mqtt").rpartition(":")
    tls = client_tls(Path(stack.running.file("edge_ca")), folder / "tls.crt", folder / "tls.key")
    settings = LinkSettings(
        host=host, port=int(port), client_id=folder.name, version=MqttVersion.V5_0, keepalive_s=_KEEP_ALIVE, tls=tls
    )
    link = Link(settings, lambda _: None)
    await link.open()
    await link.subscribe(f"ora/v1/h/{folder.name}/down")
    return link


async def revoked(stack: Stack, hubs: list[Connected], *, at_once: int = 1) -> list[Cut]:
    """Revoke Hubs by an operator's call to fleet, so many at a time."""
    async with target.fleet(stack.running) as channel:
        stub = CertificateServiceStub(channel)

        async def revoke(hub: Connected) -> None:
            name = f"hubs/{hub.folder.name}"
            await stub.RevokeHubCertificates(RevokeHubCertificatesRequest(hub=name, reason=REVOCATION_REASON_LOST))

        # The connection to fleet is there when it counts.
        await stub.ListCertificates(ListCertificatesRequest(parent=f"hubs/{hubs[0].folder.name}"))
        return await _each(hubs, revoke, REVOKED, at_once)


async def withdrawn(stack: Stack, hubs: list[Connected]) -> list[Cut]:
    """Let the owner of each Hub turn the relay off: the Hub connects to the gateway and posts the signed record."""

    async def withdraw(hub: Connected) -> None:
        home = Household(stack.running, hub.folder)
        await home.firmware.consent(home.folder, home.cloud, [])

    return await _each(hubs, withdraw, WITHDRAWN, 1)


async def _each(
    hubs: list[Connected], forbid: Callable[[Connected], Awaitable[None]], why: str, at_once: int
) -> list[Cut]:
    slots = asyncio.Semaphore(at_once)

    async def one(hub: Connected) -> Cut:
        async with slots:
            began = time.monotonic()
            call = asyncio.ensure_future(forbid(hub))
            async with asyncio.timeout(_PATIENCE):
                answer = await hub.link.closed()
            seconds = time.monotonic() - began
            await call
        if answer.reason != why:
            raise RuntimeError(f"the relay ended a session by {answer.reason or answer.name} and not by {why}")
        return Cut(hub.relay, why, seconds)

    return await asyncio.gather(*map(one, hubs))
