"""Owns the four measurements; each returns figures and knows no page."""

from __future__ import annotations

import asyncio
import secrets
import time
import uuid
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from ora.fleet.v1 import firmware_update_pb2
from ora.fleet.v1.certificate_pb2 import REVOCATION_REASON_LOST
from ora.fleet.v1.certificate_service_pb2 import (
    ListCertificatesRequest,
    RenewCertificateRequest,
    RevokeHubCertificatesRequest,
)
from ora.fleet.v1.certificate_service_pb2_grpc import CertificateServiceStub
from ora.fleet.v1.firmware_rollout_pb2 import Wave
from ora.fleet.v1.firmware_update_service_pb2 import CheckUpdateRequest
from ora.fleet.v1.firmware_update_service_pb2_grpc import FirmwareUpdateServiceStub

from bench.fleet.scene import LOT, MODEL, Rate, as_hub, database, gateway, many, vouched
from devstack.commands.firmware import images, rollouts
from devstack.dev import enrolment, target
from devstack.dev.household import Household
from devstack.firmware import staff
from devstack.firmware.releasing import Plan
from devstack.fleet import importing
from hubsim.link import Link, LinkSettings, MqttVersion, client_tls

if TYPE_CHECKING:
    from bench.fleet.scene import Stack

_KEYS: Final = 64
_OWNERS: Final = """
INSERT INTO fleet.owner_key (hub_id, owner_epoch, owner_public_key, statement, signature, key_id, take_time)
SELECT id, 1, uuid_send(id) || uuid_send(id), 'x', uuid_send(id) || uuid_send(id) || uuid_send(id) || uuid_send(id),
       substr(uuid_send(id), 1, 8), now()
  FROM unnest($1::uuid[]) AS id
"""
_CONSENTS: Final = """
INSERT INTO fleet.consent (hub_id, owner_epoch, sequence, signed, lowered, statement, signature, key_id, take_time)
SELECT id, 1, 1, '{OTA_POLL}', '{}', 'x', uuid_send(id) || uuid_send(id) || uuid_send(id) || uuid_send(id),
       substr(uuid_send(id), 1, 8), now()
  FROM unnest($1::uuid[]) AS id
"""


async def imports(stack: Stack, count: int) -> Rate:
    """Import a manifest, from the first call to the committed import."""
    manifest = await vouched(stack, count)
    async with target.fleet(stack.running) as channel:
        started = time.monotonic()
        ended, problems = await importing.run(channel, manifest)
        seconds = time.monotonic() - started
    if problems or ended.hub_count != count:
        raise RuntimeError("the import did not end well")
    async with database(stack) as connection:
        await connection.execute("UPDATE fleet.hub SET state = 'ACTIVE' WHERE lot = $1 AND state = 'PROVISIONED'", LOT)
    return Rate(count, seconds)


async def hubs_of(stack: Stack, count: int) -> list[uuid.UUID]:
    """Return Hubs that were imported."""
    async with database(stack) as connection:
        rows = await connection.fetch("SELECT hub_id FROM fleet.hub WHERE lot = $1 LIMIT $2", LOT, count)
    return [uuid.UUID(str(row["hub_id"])) for row in rows]


def _requests(count: int) -> list[bytes]:
    """Return certificate requests, all different, of a few keys: making keys is the Hubs' work and not fleet's."""
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(_KEYS)]
    made = []
    for number in range(count):
        name = x509.Name([x509.NameAttribute(NameOID.SERIAL_NUMBER, str(number))])
        csr = x509.CertificateSigningRequestBuilder().subject_name(name).sign(keys[number % _KEYS], hashes.SHA256())
        made.append(csr.public_bytes(Encoding.DER))
    return made


async def renewals(stack: Stack, hubs: list[uuid.UUID], *, at_once: int) -> Rate:
    """Renew one certificate of each Hub."""
    requests = await asyncio.to_thread(_requests, len(hubs))
    async with gateway(stack) as channel:
        stub = CertificateServiceStub(channel)

        async def renew(hub: uuid.UUID, csr: bytes) -> None:
            request = RenewCertificateRequest(hub=f"hubs/{hub}", csr_der=csr)
            await stub.RenewCertificate(request, metadata=as_hub(hub))

        calls = [partial(renew, hub, csr) for hub, csr in zip(hubs, requests, strict=True)]
        seconds = await many(calls, at_once=at_once)
    return Rate(len(hubs), seconds)


async def offers(stack: Stack, hubs: list[uuid.UUID], folder: Path, *, at_once: int) -> Rate:
    """Have each Hub check in and be offered a release: one update, one director statement."""
    async with database(stack) as connection:
        for statement in (_OWNERS, _CONSENTS):
            await connection.execute(statement, hubs)
    image = folder / "image.bin"
    image.write_bytes(secrets.token_bytes(10_000))
    release = await images.release_image(stack.running, image, Plan(version="9.0.1", sequence=9, hardware_model=MODEL))
    wave = Wave(
        share_permille=1000,
        soak_seconds=3600,
        failure_permille_max=20,
        silence_permille_max=20,
        silence_deadline_seconds=7200,
        sample_min=100_000,
    )
    planned = await rollouts.plan_rollout(stack.running, release.name, [wave], person=staff.FIRST)
    await rollouts.approve_rollout(stack.running, planned.name, person=staff.SECOND)
    async with gateway(stack) as channel:
        stub = FirmwareUpdateServiceStub(channel)

        async def check(hub: uuid.UUID) -> None:
            boot = firmware_update_pb2.BootReport(
                slot=firmware_update_pb2.SLOT_A, boot_count=1, firmware_sequence=1, hardware_model=MODEL
            )
            boot.firmware_version = "1.0.0"
            answer = await stub.CheckUpdate(CheckUpdateRequest(hub=f"hubs/{hub}", boot=boot), metadata=as_hub(hub))
            if not answer.HasField("director_statement"):
                raise RuntimeError("a Hub was offered nothing")

        seconds = await many([partial(check, hub) for hub in hubs], at_once=at_once)
    return Rate(len(hubs), seconds)


async def revocations(stack: Stack, folder: Path, count: int) -> list[float]:
    """Revoke connected Hubs one by one; return the seconds from the call's start to the end of each Hub's socket.

    Hubs are connected to both relays in turn; the call goes to fleet, which knows of no session.
    """
    found = []
    for number in range(count):
        hub = str(uuid.uuid4())
        await enrolment.enrol_new(stack.running, hub, folder / hub)
        await Household(stack.running, folder / hub).consent(on={"RELAY"}, off=set())
        found.append(await _revoked(stack, folder / hub, f"relay-{number % 2 + 1}"))
    return found


async def _revoked(stack: Stack, folder: Path, relay: str) -> float:
    hub = folder.name
    address = urlsplit(f"//{stack.running.address(relay, 'mqtt').removeprefix('mqtts://')}")
    tls = client_tls(Path(stack.running.file("edge_ca")), folder / "tls.crt", folder / "tls.key")
    settings = LinkSettings(
        host=address.hostname or "",
        port=address.port or 0,
        client_id=hub,
        version=MqttVersion.V5_0,
        keepalive_s=60,
        tls=tls,
    )
    taken: list[Any] = []
    link = Link(settings, taken.append)
    await link.open()
    await link.subscribe(f"ora/v1/h/{hub}/down")
    async with target.fleet(stack.running) as channel:
        stub = CertificateServiceStub(channel)
        await stub.ListCertificates(
            ListCertificatesRequest(parent=f"hubs/{hub}")
        )  # the connection to fleet is there when it counts
        revoke = RevokeHubCertificatesRequest(hub=f"hubs/{hub}", reason=REVOCATION_REASON_LOST)
        started = time.monotonic()
        call = asyncio.ensure_future(stub.RevokeHubCertificates(revoke))
        async with asyncio.timeout(10):
            await link.closed()
        seconds = time.monotonic() - started
        await call
    link.close()
    return seconds
