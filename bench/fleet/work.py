"""Owns the three measurements; each returns figures and knows no page."""

from __future__ import annotations

import asyncio
import secrets
import time
import uuid
from functools import partial
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from ora.fleet.v1 import firmware_update_pb2
from ora.fleet.v1.certificate_service_pb2 import RenewCertificateRequest
from ora.fleet.v1.certificate_service_pb2_grpc import CertificateServiceStub
from ora.fleet.v1.firmware_rollout_pb2 import Wave
from ora.fleet.v1.firmware_update_service_pb2 import CheckUpdateRequest
from ora.fleet.v1.firmware_update_service_pb2_grpc import FirmwareUpdateServiceStub

from bench.fleet.scene import LOT, MODEL, Rate, as_hub, database, gateway, many, vouched
from devstack.commands.firmware import images, rollouts
from devstack.dev import target
from devstack.firmware import staff
from devstack.firmware.releasing import Plan
from devstack.fleet import importing

if TYPE_CHECKING:
    from pathlib import Path

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
