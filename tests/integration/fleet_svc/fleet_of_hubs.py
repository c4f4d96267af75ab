"""Many Hubs at once, put straight into the database, and devices that speak for them."""

from __future__ import annotations

import secrets
import uuid
from typing import TYPE_CHECKING, Any

from ora.fleet.v1 import firmware_update_pb2 as pb
from ora.fleet.v1.firmware_update_service_pb2 import (
    BeginInstallRequest,
    CheckUpdateRequest,
    ReportUpdateRequest,
    RequestInstallPermitRequest,
)
from ora.fleet.v1.firmware_update_service_pb2_grpc import FirmwareUpdateServiceStub

if TYPE_CHECKING:
    from tests.integration.fleet_svc.node import Node
    from tests.integration.fleet_svc.postgres import Database

HUBS = """
INSERT INTO fleet.hub (hub_id, state, hardware_model, hardware_revision, identity_public_key, lot, revision,
                       create_time, update_time)
SELECT id, 'ACTIVE', 'ora-hub-1', 3, uuid_send(id) || uuid_send(id), '', 1, now(), now()
  FROM unnest($1::uuid[]) AS id
"""
OWNERS = """
INSERT INTO fleet.owner_key (hub_id, owner_epoch, owner_public_key, statement, signature, key_id, take_time)
SELECT id, 1, uuid_send(id) || uuid_send(id), 'x', uuid_send(id) || uuid_send(id) || uuid_send(id) || uuid_send(id),
       substr(uuid_send(id), 1, 8), now()
  FROM unnest($1::uuid[]) AS id
"""
CONSENTS = """
INSERT INTO fleet.consent (hub_id, owner_epoch, sequence, signed, lowered, statement, signature, key_id, take_time)
SELECT id, 1, 1, '{OTA_POLL}', '{}', 'x', uuid_send(id) || uuid_send(id) || uuid_send(id) || uuid_send(id),
       substr(uuid_send(id), 1, 8), now()
  FROM unnest($1::uuid[]) AS id
"""


def through(node: Node) -> Any:
    """Return the way to a node as the gateway has it."""
    return FirmwareUpdateServiceStub(node.channel("gateway"))


BOOTS = """
INSERT INTO fleet.hub_boot (hub_id, slot, boot_count, firmware_sequence, firmware_version, boot_loader_version, trial,
                            report_time)
SELECT id, 'A', 10, 5, '1.8.5', 2, false, now()
  FROM unnest($1::uuid[]) AS id
"""
UPDATES = """
INSERT INTO fleet.firmware_update (update_id, hub_id, release_id, rollout_id, wave, state, create_time)
SELECT id, id, $2, $3, 0, 'DOWNLOADED', now()
  FROM unnest($1::uuid[]) AS id
"""


class Device:
    """One Hub, as far as its updates go."""

    def __init__(self, stub: Any, *, hub_id: uuid.UUID | None = None, sequence: int = 5) -> None:
        self.id = hub_id or uuid.uuid4()
        self.stub = stub
        self.sequence, self.boots, self.slot, self.trial = sequence, 10, pb.SLOT_A, False
        self.model = "ora-hub-1"
        self.update: Any = None

    @property
    def name(self) -> str:
        return f"hubs/{self.id}"

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        return (("x-forwarded-client-cert", f"URI=urn:uuid:{self.id}"),)

    @property
    def boot(self) -> pb.BootReport:
        return pb.BootReport(
            slot=self.slot,
            boot_count=self.boots,
            firmware_sequence=self.sequence,
            firmware_version=f"1.8.{self.sequence}",
            hardware_model=self.model,
            hardware_revision=3,
            boot_loader_version=2,
            trial=self.trial,
        )

    def runs(self, sequence: int, *, boots: int = 1, trial: bool = False) -> None:
        """Boot into something."""
        self.sequence, self.boots, self.trial = sequence, self.boots + boots, trial

    async def check(self, **fields: Any) -> Any:
        request = CheckUpdateRequest(hub=self.name, boot=self.boot, **fields)
        answer = await self.stub.CheckUpdate(request, metadata=self.metadata)
        self.update = answer.update if answer.HasField("update") else None
        return answer

    async def report(self, state: Any, **fields: Any) -> Any:
        request = ReportUpdateRequest(name=self.update.name, state=state, boot=self.boot, **fields)
        return await self.stub.ReportUpdate(request, metadata=self.metadata)

    async def permit(self, *, lock_epoch: int = 0) -> Any:
        request = RequestInstallPermitRequest(
            name=self.update.name, hub_nonce=secrets.token_bytes(16), lock_epoch=lock_epoch, boot=self.boot
        )
        return await self.stub.RequestInstallPermit(request, metadata=self.metadata)

    async def begin(self, permit_id: bytes) -> Any:
        request = BeginInstallRequest(name=self.update.name, permit_id=permit_id)
        return await self.stub.BeginInstall(request, metadata=self.metadata)


async def fetched(database: Database, devices: list[Device], release: str, rollout: str) -> None:
    """Bring many Hubs to where the image is there and the next question is for leave to install."""
    hubs = [each.id for each in devices]
    parents = [uuid.UUID(name.partition("/")[2]) for name in (release, rollout)]
    connection = await database.connect("postgres")
    try:
        await connection.execute(BOOTS, hubs)
        await connection.execute(UPDATES, hubs, *parents)
    finally:
        await connection.close()
    for device in devices:
        # The update has the Hub's own id: a Hub has one here.
        device.update = pb.FirmwareUpdate(name=f"{device.name}/updates/{device.id}")


async def enrol(database: Database, devices: list[Device]) -> None:
    """Bring many Hubs into service, with OTA_POLL on."""
    connection = await database.connect("postgres")
    try:
        for statement in (HUBS, OWNERS, CONSENTS):
            await connection.execute(statement, [each.id for each in devices])
    finally:
        await connection.close()
