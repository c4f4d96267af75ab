"""People of Ora's staff at their rollouts, and the first steps of a Hub that takes part."""

from __future__ import annotations

import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from ora.fleet.v1 import firmware_rollout_service_pb2 as rollout_rpc
from ora.fleet.v1 import firmware_update_pb2 as pb
from ora.fleet.v1.firmware_rollout_pb2 import FirmwareRollout, Wave
from ora.fleet.v1.firmware_rollout_service_pb2_grpc import FirmwareRolloutServiceStub
from ora.fleet.v1.firmware_statement_pb2 import InstallPermitStatement

from fleet_svc.api.events import HubEvents
from fleet_svc.steering import Steering
from mesh import clock, ids
from mesh.config import Secret
from mesh.db import open_database
from mesh.settings import DatabaseConfig
from tests.integration.fleet_svc.fleet_of_hubs import Device, enrol, through
from tests.integration.fleet_svc.offline import target
from tests.integration.fleet_svc.test_firmware import IMAGE, World

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.fleet_svc.postgres import Database


APPROVE = "ora_firmware_rollout_approve"
DOWNLOADING, DOWNLOADED = pb.UPDATE_STATE_DOWNLOADING, pb.UPDATE_STATE_DOWNLOADED
INSTALLING, TRIAL, CONFIRMED = pb.UPDATE_STATE_INSTALLING, pb.UPDATE_STATE_TRIAL_BOOT, pb.UPDATE_STATE_CONFIRMED
ROLLED_BACK, FAILED, HELD = pb.UPDATE_STATE_ROLLED_BACK, pb.UPDATE_STATE_FAILED, pb.UPDATE_STATE_HELD
EXPIRED = pb.UPDATE_STATE_EXPIRED


class Staff:
    """People of Ora's staff at their rollouts."""

    def __init__(self, world: World, database: Database) -> None:
        self.world, self.database, self.node = world, database, world.node
        self.stub: Any = FirmwareRolloutServiceStub(world.node.channel("operator"))
        self.release = ""

    def login(self, person: str) -> Any:
        now = int(time.time())
        claims: dict[str, Any] = {
            "sub": person,
            "role": "support",
            "nbf": now,
            "acr": "urn:voltex:acr:otp",
            "auth_time": now,
        }
        token = self.world.issuer.token(**claims, authorization_details=[{"type": APPROVE}])
        return (("authorization", f"Bearer {token}"),)

    async def signed_release(self, sequence: int = 7, version: int = 1, **fields: Any) -> str:
        if version == 1:
            await self.world.publish_root(self.world.offline.root())
        made = await self.world.create(sequence, **fields)
        await self.world.publish(self.world.offline.targets(version, target(IMAGE, sequence=sequence)))
        self.release = made.name
        return self.release

    async def create(self, *waves: Wave, person: str = "ann", **fields: Any) -> Any:
        plan = FirmwareRollout(firmware_release=self.release, waves=waves, **fields)
        request = rollout_rpc.CreateRolloutRequest(firmware_rollout=plan, request_id=str(uuid.uuid4()))
        return await self.stub.CreateRollout(request, metadata=self.login(person))

    async def approve(self, rollout: Any, *, person: str = "bob") -> Any:
        request = rollout_rpc.ApproveRolloutRequest(name=rollout.name, etag=rollout.etag)
        return await self.stub.ApproveRollout(request, metadata=self.login(person))

    async def running(self, *waves: Wave, **fields: Any) -> Any:
        return await self.approve(await self.create(*(waves or (a_wave(),)), **fields))

    async def get(self, rollout: Any) -> Any:
        return await self.stub.GetRollout(rollout_rpc.GetRolloutRequest(name=rollout.name))

    async def pause(self, rollout: Any) -> Any:
        return await self.stub.PauseRollout(rollout_rpc.PauseRolloutRequest(name=rollout.name))

    async def abort(self, rollout: Any) -> Any:
        return await self.stub.AbortRollout(rollout_rpc.AbortRolloutRequest(name=rollout.name))

    async def steer(self, *, later: timedelta = timedelta()) -> None:
        """Let the rollouts be judged, as if it was later."""
        config = DatabaseConfig(url=Secret(self.database.service_url))
        async with open_database(config, application="test") as opened:
            steering = Steering(HubEvents(now=clock.now, new_id=ids.uuid7))
            await steering.steer(opened, now=datetime.now(UTC) + later)

    async def devices(self, count: int, **fields: Any) -> list[Device]:
        made = [Device(through(self.node), **fields) for _ in range(count)]
        await enrol(self.database, made)
        return made


def a_wave(share: int = 1000, **fields: Any) -> Wave:
    usual = {
        "soak_seconds": 3600,
        "failure_permille_max": 20,
        "silence_permille_max": 20,
        "silence_deadline_seconds": 7200,
        "sample_min": 10,
    }
    return Wave(**{**usual, "share_permille": share, **fields})


def permit_id(answer: Any) -> bytes:
    return bytes(InstallPermitStatement.FromString(answer.permit.statement).permit_id)


async def downloaded(device: Device) -> None:
    await device.check()
    await device.report(DOWNLOADED)


async def installing(device: Device) -> None:
    await downloaded(device)
    await device.begin(permit_id(await device.permit()))


@pytest_asyncio.fixture
async def staff(world: World, database: Database) -> Staff:
    return Staff(world, database)


@pytest.fixture(autouse=True)
def director(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """The node reads its director key at its start, so before ``world``; the offline people name the same key."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415

    key = Ed25519PrivateKey.generate()
    request.node.stash_director = key
    path = tmp_path / "director.pem"
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    monkeypatch.setenv("ORA_FLEET_DIRECTOR_KEY", str(path))
