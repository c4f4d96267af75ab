"""A simulated Hub and the real service: over the air, by an app's hand, and with the power cut at every write."""

from __future__ import annotations

import io
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from ora.common.v1.signed_record_pb2 import SignedRecord
from ora.fleet.v1.firmware_metadata_service_pb2 import DownloadMetadataRequest
from ora.fleet.v1.firmware_metadata_service_pb2_grpc import FirmwareMetadataServiceStub
from ora.fleet.v1.sideload_pb2 import SideloadFile, SideloadHead
from ora.fleet.v1.sideload_service_pb2 import PrepareSideloadRequest
from ora.fleet.v1.sideload_service_pb2_grpc import SideloadServiceStub

from hubsim.sideload import Sideloads
from hubsim.slots import MemoryFlash, PowerLossError, Slots
from hubsim.update_client import Device, UpdateClient
from hubsim.updater import Home, Updater
from sdk import sideload
from sdk.firmware_trust import FirmwareRefusedError
from sdk.keys import new_signing_key
from tests.integration.fleet_svc import fleet_of_hubs
from tests.integration.fleet_svc.fleet_of_hubs import enrol, through
from tests.integration.fleet_svc.hub_actor import HubActor
from tests.integration.fleet_svc.node import refused
from tests.integration.fleet_svc.rest import HubListener
from tests.integration.fleet_svc.rollout_staff import a_wave, director, staff
from tests.integration.fleet_svc.test_firmware import IMAGE, issuer, world
from tests.integration.fleet_svc.test_update_holds import place, release

if TYPE_CHECKING:
    from pathlib import Path

    from sdk.keys import SigningKey
    from tests.integration.fleet_svc.postgres import Database
    from tests.integration.fleet_svc.rollout_staff import Staff

__all__ = ["director", "issuer", "staff", "world"]

STATE = "SELECT state FROM fleet.firmware_update WHERE hub_id = $1"


@pytest.fixture(autouse=True)
def _same_director(director: None, staff: Staff, request: pytest.FixtureRequest) -> None:
    """Targets delegate to the key that the node signs with; ``director`` comes before the node."""
    del director
    staff.world.offline.director = request.node.stash_director


def a_flash() -> MemoryFlash:
    flash = MemoryFlash()
    Slots(flash).manufacture(5, b"old firmware", "1.8.5")
    return flash


class Simulated:
    """One Hub of hubsim's against a node."""

    def __init__(self, staff: Staff, folder: Path, home: Home | None = None) -> None:
        self.staff, self.folder, self.home = staff, folder, home
        self.device = fleet_of_hubs.Device(through(staff.node))
        self.flash = a_flash()
        self.updater = self.start()

    def start(self) -> Updater:
        hub = str(self.device.id)
        http = httpx.AsyncClient(base_url="https://hub", transport=HubListener(self.staff.node, hub))
        what = Device(hub=hub, hardware_model="ora-hub-1", hardware_revision=3)
        root = self.staff.world.offline.root()
        client = UpdateClient(http, what)
        self.updater = Updater(
            client, self.flash, trust_folder=self.folder / hub, root=root, home=self.home, piece=2048
        )
        return self.updater

    async def turns(self, count: int) -> None:
        for _ in range(count):
            await self.updater.turn()


async def ready(staff: Staff, database: Database, *hubs: Simulated) -> None:
    await staff.signed_release()
    await staff.running()
    await enrol(database, [each.device for each in hubs])


async def test_a_simulated_hub_is_updated(staff: Staff, database: Database, tmp_path: Path) -> None:
    hub = Simulated(staff, tmp_path)
    await ready(staff, database, hub)
    await hub.turns(2)
    assert (hub.updater.booted.firmware_sequence, hub.updater.booted.trial) == (7, False)
    assert await database.value(STATE, hub.device.id) == "CONFIRMED"


async def test_a_handover_holds_a_simulated_hub_until_it_is_over(
    staff: Staff, database: Database, tmp_path: Path
) -> None:
    hub = Simulated(staff, tmp_path)
    await ready(staff, database, hub)
    await place(staff.node, hub.device.name, 1)
    await hub.turns(2)
    assert hub.updater.booted.firmware_sequence == 5
    await release(staff.node, hub.device.name, 1)
    await hub.turns(2)
    assert await database.value(STATE, hub.device.id) == "CONFIRMED"


async def test_what_does_not_hold_is_told_with_its_reason(staff: Staff, database: Database, tmp_path: Path) -> None:
    hub = Simulated(staff, tmp_path, Home(healthy=lambda: False))
    await ready(staff, database, hub)
    await hub.turns(2)
    assert (hub.updater.booted.slot, hub.updater.booted.firmware_sequence) == ("A", 5)
    told = await database.value("SELECT state || ' ' || failure FROM fleet.firmware_update")
    assert told == "ROLLED_BACK HEALTH_CHECK"


async def test_after_a_cut_of_power_at_any_write_one_report_is_enough(
    staff: Staff, database: Database, tmp_path: Path
) -> None:
    whole = Simulated(staff, tmp_path)
    await ready(staff, database, whole)
    first = whole.flash.writes
    await whole.turns(2)
    cuts = [(at, Simulated(staff, tmp_path)) for at in range(first, whole.flash.writes)]
    await enrol(database, [hub.device for _, hub in cuts])
    ends = set()
    for at, hub in cuts:
        hub.flash.lose_power_at = at
        with pytest.raises(PowerLossError):
            await hub.turns(2)
        booted = hub.start().booted
        assert (booted.slot, booted.firmware_sequence) in {("A", 5), ("B", 7)}
        await hub.turns(1)
        state, now = await database.value(STATE, hub.device.id), hub.updater.booted
        ends.add((state, now.firmware_sequence, now.trial))
    # Began again and is on trial; or is kept; or the slot was half written, or was tried and not kept.
    assert ends == {("INSTALLING", 7, True), ("CONFIRMED", 7, False), ("FAILED", 5, False), ("ROLLED_BACK", 5, False)}


class App:
    """What stands beside a Hub whose cloud is off."""

    def __init__(self, staff: Staff) -> None:
        self.node, self.issuer = staff.node, staff.world.issuer
        self.sideloads: Any = SideloadServiceStub(self.node.channel("gateway"))
        self.files: Any = FirmwareMetadataServiceStub(self.node.channel("gateway"))

    @property
    def login(self) -> Any:
        token = self.issuer.token(role="homeowner", nbf=int(time.time()))
        return (("authorization", f"Bearer {token}"),)

    async def prepare(self, record: bytes) -> Any:
        request = PrepareSideloadRequest(request=SignedRecord.FromString(record))
        return await self.sideloads.PrepareSideload(request, metadata=self.login)

    async def carry(self, answer: Any, image: bytes = IMAGE) -> io.BytesIO:
        """Write the file as an app does."""
        head = SideloadHead(
            director_statement=answer.director_statement, permit=answer.permit, image_length_bytes=len(image)
        )
        for name in answer.files:
            content = await self.files.DownloadMetadata(DownloadMetadataRequest(file=name), metadata=self.login)
            head.files.append(SideloadFile(file=name, content=content.data))
        file = io.BytesIO()
        sideload.write(file, head.SerializeToString(), [image])
        file.seek(0)
        return file


class ByHand(Simulated):
    """A Hub that never consented to anything."""

    def __init__(self, staff: Staff, folder: Path, home: Home | None = None) -> None:
        super().__init__(staff, folder, home)
        self.actor = HubActor(self.device.id)
        self.identity: SigningKey = new_signing_key()
        self.actor.identity = Ed25519PrivateKey.from_private_bytes(self.identity.seed)
        self.sideloads = Sideloads(self.updater, self.identity)


async def carried(staff: Staff, tmp_path: Path, home: Home | None = None) -> tuple[ByHand, App]:
    await staff.signed_release()
    await staff.running()
    hub = ByHand(staff, tmp_path, home)
    await staff.node.create(hub.actor)
    return hub, App(staff)


async def test_an_app_carries_an_update_to_a_hub_whose_cloud_is_off(
    staff: Staff, database: Database, tmp_path: Path
) -> None:
    hub, app = await carried(staff, tmp_path)
    answer = await app.prepare(hub.sideloads.request())
    await hub.sideloads.take(await app.carry(answer))
    assert (hub.updater.booted.firmware_sequence, hub.updater.booted.trial) == (7, True)
    # One number is kept, and no consent, no report, no update.
    for table in ("firmware_update", "hub_boot", "consent", "owner_key"):
        assert await database.value(f"SELECT count(*) FROM fleet.{table}") == 0  # noqa: S608 - our own names
    assert await database.value("SELECT sequence FROM fleet.hub_director") == 1
    assert not (await app.prepare(hub.sideloads.request())).HasField("permit")


async def test_a_file_is_for_one_hub_and_one_wish(staff: Staff, tmp_path: Path) -> None:
    hub, app = await carried(staff, tmp_path)
    other = ByHand(staff, tmp_path)
    await staff.node.create(other.actor)
    answer = await app.prepare(hub.sideloads.request())
    file = await app.carry(answer)
    other.sideloads.request()
    hub.sideloads.request()
    # Another Hub's; an older wish's; and seen before.
    for taker, reason in ((other, "OTHER_HUB"), (hub, "PERMIT_OTHER"), (hub, "DIRECTOR_ROLLED_BACK")):
        file.seek(0)
        with pytest.raises(FirmwareRefusedError) as refusal:
            await taker.sideloads.take(file)
        assert refusal.value.reason == reason
    assert hub.start().booted.firmware_sequence == 5


@pytest.mark.parametrize(("image", "reason"), [(IMAGE + b"x", "IMAGE_OTHER"), (b"x" + IMAGE[1:], "IMAGE_OTHER")])
async def test_another_image_in_the_file_is_refused(staff: Staff, tmp_path: Path, image: bytes, reason: str) -> None:
    hub, app = await carried(staff, tmp_path)
    answer = await app.prepare(hub.sideloads.request())
    with pytest.raises(FirmwareRefusedError) as refusal:
        await hub.sideloads.take(await app.carry(answer, image))
    assert (refusal.value.reason, hub.start().booted.firmware_sequence) == (reason, 5)


async def test_nothing_is_carried_during_a_handover(staff: Staff, tmp_path: Path) -> None:
    epoch = 0
    hub, app = await carried(staff, tmp_path, Home(lock_epoch=lambda: epoch))
    locked = ("FAILED_PRECONDITION", "PROJECT_LOCKED")
    file = await app.carry(await app.prepare(hub.sideloads.request()))
    # It begins while the file is on its way: the Hub was told, and its own epoch kills the permit.
    epoch = 1
    assert await refused(app.prepare(hub.sideloads.request())) == locked
    await place(staff.node, hub.device.name, 1)
    assert await refused(app.prepare(hub.sideloads.request())) == locked
    with pytest.raises(FirmwareRefusedError) as refusal:
        await hub.sideloads.take(file)
    assert refusal.value.reason in {"PERMIT_OTHER", "PERMIT_KILLED"}
    await release(staff.node, hub.device.name, 1)
    await hub.sideloads.take(await app.carry(await app.prepare(hub.sideloads.request())))
    assert hub.updater.booted.firmware_sequence == 7


async def test_who_has_no_signature_of_a_hub_learns_of_none(staff: Staff, tmp_path: Path) -> None:
    hub, app = await carried(staff, tmp_path)
    stranger = ByHand(staff, tmp_path)
    forged = Sideloads(hub.updater, stranger.identity).request()
    for record in (stranger.sideloads.request(), forged):
        assert await refused(app.prepare(record)) == ("PERMISSION_DENIED", "PROOF_INVALID")


async def test_what_nobody_approved_is_not_carried(staff: Staff, tmp_path: Path) -> None:
    await staff.signed_release()
    rollout = await staff.create(a_wave())
    hub, app = ByHand(staff, tmp_path), App(staff)
    await staff.node.create(hub.actor)
    assert not (await app.prepare(hub.sideloads.request())).HasField("permit")
    await staff.approve(rollout)
    assert (await app.prepare(hub.sideloads.request())).HasField("permit")
    await staff.abort(rollout)
    assert not (await app.prepare(hub.sideloads.request())).HasField("permit")
