"""Releases and the TUF repository: what the offline keys sign becomes a release, and nothing else does."""

from __future__ import annotations

import hashlib
import json
import secrets
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from google.protobuf.field_mask_pb2 import FieldMask
from ora.fleet.v1 import firmware_metadata_pb2 as meta
from ora.fleet.v1.firmware_metadata_service_pb2 import (
    DownloadMetadataRequest,
    GetMetadataRequest,
    PublishMetadataRequest,
)
from ora.fleet.v1.firmware_metadata_service_pb2_grpc import FirmwareMetadataServiceStub
from ora.fleet.v1.firmware_release_pb2 import Compatibility, FirmwareImage, FirmwareRelease
from ora.fleet.v1.firmware_release_service_pb2 import (
    CreateReleaseRequest,
    GetReleaseRequest,
    ListReleasesRequest,
    UpdateReleaseRequest,
    WithdrawReleaseRequest,
)
from ora.fleet.v1.firmware_release_service_pb2_grpc import FirmwareReleaseServiceStub

from fleet_svc.publishing import Publisher
from fleet_svc.tuf_files import OnlineKey
from mesh.config import Secret
from mesh.db import open_database
from mesh.settings import DatabaseConfig
from tests.integration.fleet_svc import node as nodes
from tests.integration.fleet_svc.hub_actor import HubActor
from tests.integration.fleet_svc.node import refused
from tests.integration.fleet_svc.offline import Offline, target
from tests.integration.fleet_svc.test_artefacts import name_of, pieces, upload
from tests.integration.gateway.tokens import Issuer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from tests.integration.fleet_svc.node import Node
    from tests.integration.fleet_svc.postgres import Database

IMAGE, OTHER = secrets.token_bytes(5000), secrets.token_bytes(6000)
INTENT = "ora_firmware_metadata_publish"
DRAFT, SIGNED, WITHDRAWN = FirmwareRelease.STATE_DRAFT, FirmwareRelease.STATE_SIGNED, FirmwareRelease.STATE_WITHDRAWN


class World:
    """A node, the offline keys, and an operator with a token of Ora's staff."""

    def __init__(self, node: Node, issuer: Issuer, offline: Offline) -> None:
        self.node, self.issuer, self.offline = node, issuer, offline
        self.releases: Any = FirmwareReleaseServiceStub(node.channel("operator"))
        self.metadata: Any = FirmwareMetadataServiceStub(node.channel("operator"))

    async def publish(self, content: bytes, role: Any = meta.METADATA_ROLE_TARGETS, **claims: Any) -> Any:
        now = int(time.time())
        login = {"role": "support", "nbf": now, "acr": "urn:voltex:acr:otp", "auth_time": now}
        intent = {"authorization_details": [{"type": INTENT}]}
        token = self.issuer.token(**{**login, **intent, **claims})
        request = PublishMetadataRequest(role=role, content=content)
        return await self.metadata.PublishMetadata(request, metadata=(("authorization", f"Bearer {token}"),))

    async def publish_root(self, content: bytes) -> Any:
        return await self.publish(content, meta.METADATA_ROLE_ROOT)

    async def create(self, sequence: int = 7, *images: FirmwareImage, **fields: Any) -> Any:
        made = FirmwareRelease(version=f"1.8.{sequence}", sequence=sequence, images=images or [an_image()], **fields)
        return await self.releases.CreateRelease(
            CreateReleaseRequest(firmware_release=made, request_id=str(uuid.uuid4()))
        )

    async def get(self, name: str) -> Any:
        return await self.releases.GetRelease(GetReleaseRequest(name=name))

    async def download(self, file: str) -> Any:
        stub = FirmwareMetadataServiceStub(self.node.channel("gateway"))
        answer = await stub.DownloadMetadata(DownloadMetadataRequest(file=file), metadata=HubActor().metadata)
        return json.loads(answer.data)["signed"]


def an_image(image: bytes = IMAGE, **fields: Any) -> FirmwareImage:
    return FirmwareImage(
        **{"artefact": name_of(image), "hardware_model": "ora-hub-1", "hardware_revision_max": 9, **fields}
    )


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with Issuer(nodes.ISSUER) as running:
        yield running


@pytest_asyncio.fixture
async def world(
    monkeypatch: pytest.MonkeyPatch, certificates: Path, database: Database, issuer: Issuer, tmp_path: Path
) -> AsyncIterator[World]:
    monkeypatch.setattr("fleet_svc.__main__.RateLimiter", lambda _redis, monotonic: nodes.unlimited(monotonic))
    offline = Offline()
    settings = {
        "ORA_OIDC_ISSUERS": json.dumps([nodes.issuer_setting(issuer.jwks_uri)]),
        "ORA_FLEET_TUF_ONLINE_KEY": str(offline.write_online(tmp_path)),
    }
    async with nodes.running(monkeypatch, certificates, database.service_url, **settings) as node:
        for image in (IMAGE, OTHER):
            await upload(node, name_of(image), len(image), *pieces(image))
        yield World(node, issuer, offline)


async def test_a_draft_becomes_signed_when_targets_list_all_of_it(world: World) -> None:
    images = (an_image(), an_image(OTHER, hardware_model="ora-hub-2"))
    draft = await world.create(7, *images)
    assert (draft.state, draft.targets_version) == (DRAFT, 0)
    await world.publish_root(world.offline.root())
    partly = await world.publish(world.offline.targets(1, target(IMAGE, sequence=7)))
    assert (partly.version, list(partly.signed_releases)) == (1, [])
    both = (target(IMAGE, sequence=7), target(OTHER, model="ora-hub-2", sequence=7))
    wholly = await world.publish(world.offline.targets(2, *both))
    assert (wholly.version, list(wholly.signed_releases)) == (2, [draft.name])
    signed = await world.get(draft.name)
    assert (signed.state, signed.targets_version, list(signed.images)) == (SIGNED, 2, list(images))
    assert signed.etag != draft.etag


@pytest.mark.parametrize(
    "listed",
    [
        target(IMAGE, sequence=8),
        target(IMAGE, sequence=7, model="ora-hub-2"),
        target(IMAGE, sequence=7, revisions=(0, 10)),
        target(IMAGE + b"x", sequence=7),
    ],
    ids=["sequence", "hardware", "revisions", "bytes"],
)
async def test_an_image_that_is_listed_for_something_else_signs_nothing(world: World, listed: Any) -> None:
    draft = await world.create(7)
    await world.publish_root(world.offline.root())
    await world.publish(world.offline.targets(1, listed))
    assert (await world.get(draft.name)).state == DRAFT


async def test_online_files_follow_what_is_published(world: World) -> None:
    await world.publish_root(world.offline.root())
    assert await refused(world.download("timestamp.json")) == ("NOT_FOUND", "METADATA_UNKNOWN")
    for version in (1, 2):
        await world.publish(world.offline.targets(version))
    assert (await world.download("timestamp.json"))["meta"]["snapshot.json"]["version"] == 2
    assert (await world.download("2.snapshot.json"))["meta"]["targets.json"]["version"] == 2
    assert (await world.download("1.snapshot.json"))["meta"]["targets.json"]["version"] == 1
    await world.publish_root(world.offline.root(2))
    assert (await world.download("timestamp.json"))["version"] == 3
    assert (await world.download("2.root.json"))["version"] == 2
    assert await refused(world.download("3.root.json")) == ("NOT_FOUND", "METADATA_UNKNOWN")
    newest = await world.metadata.GetMetadata(GetMetadataRequest(role=meta.METADATA_ROLE_SNAPSHOT))
    assert newest.version == 3


async def test_what_the_offline_keys_did_not_sign_is_refused(world: World) -> None:
    offline, stranger = world.offline, Ed25519PrivateKey.generate()
    alone = world.publish_root(offline.root(signers=offline.roots[:1]))
    assert await refused(alone) == ("INVALID_ARGUMENT", "SIGNATURE_INVALID")
    await world.publish_root(offline.root())
    forged = world.publish(offline.targets(1, signer=stranger))
    assert await refused(forged) == ("INVALID_ARGUMENT", "SIGNATURE_INVALID")
    usurper = Offline(offline.online)
    assert await refused(world.publish_root(usurper.root(2))) == ("INVALID_ARGUMENT", "SIGNATURE_INVALID")
    handed_on = usurper.root(2, also=tuple(offline.roots))
    assert (await world.publish_root(handed_on)).version == 2
    assert await refused(world.publish(offline.targets(1))) == ("INVALID_ARGUMENT", "SIGNATURE_INVALID")
    assert (await world.publish(usurper.targets(1))).version == 1


async def test_versions_rise_by_one_and_the_expired_is_refused(world: World) -> None:
    offline, past = world.offline, -timedelta(seconds=5)
    assert await refused(world.publish(offline.targets())) == ("FAILED_PRECONDITION", "ROOT_MISSING")
    assert await refused(world.publish_root(offline.root(2))) == ("FAILED_PRECONDITION", "METADATA_VERSION")
    expired = world.publish_root(offline.root(life=past))
    assert await refused(expired) == ("FAILED_PRECONDITION", "METADATA_EXPIRED")
    await world.publish_root(offline.root())
    for version in (0, 2):
        content = offline.targets(1).replace(b'"version":1', f'"version":{version}'.encode())
        assert (await refused(world.publish(content)))[0] in {"INVALID_ARGUMENT", "FAILED_PRECONDITION"}
    assert await refused(world.publish(offline.targets(2))) == ("FAILED_PRECONDITION", "METADATA_VERSION")
    assert await refused(world.publish(offline.targets(1, life=past))) == ("FAILED_PRECONDITION", "METADATA_EXPIRED")


async def test_a_root_that_we_could_not_serve_is_refused(world: World) -> None:
    stranger = Offline()
    assert await refused(world.publish_root(stranger.root())) == ("FAILED_PRECONDITION", "ONLINE_KEY_UNKNOWN")
    loose = world.offline.root(consistent=False)
    assert await refused(world.publish_root(loose)) == ("INVALID_ARGUMENT", "METADATA_INVALID")


@pytest.mark.parametrize("content", [b"x", b"{}", b"[]", b'{"signed": {}, "signatures": []}'])
async def test_what_is_no_tuf_file_is_refused(world: World, content: bytes) -> None:
    await world.publish_root(world.offline.root())
    assert await refused(world.publish(content)) == ("INVALID_ARGUMENT", "METADATA_INVALID")
    assert await refused(world.publish(world.offline.root(1))) == ("INVALID_ARGUMENT", "METADATA_INVALID")
    assert await refused(world.publish_root(content)) == ("INVALID_ARGUMENT", "METADATA_INVALID")
    snapshot = world.publish(content, meta.METADATA_ROLE_SNAPSHOT)
    assert (await refused(snapshot))[0] == "INVALID_ARGUMENT"


async def test_a_target_that_is_not_as_ours_are_is_refused(world: World) -> None:
    await world.publish_root(world.offline.root())
    renamed, bare = target(IMAGE, sequence=7), target(IMAGE, sequence=7)
    renamed.path = hashlib.sha256(OTHER).hexdigest()
    bare.unrecognized_fields = {}
    for wrong in (renamed, bare):
        refusal = await refused(world.publish(world.offline.targets(1, wrong)))
        assert refusal == ("INVALID_ARGUMENT", "TARGETS_INVALID")


@pytest.mark.parametrize(
    "claims",
    [{"auth_time": int(time.time()) - 4000}, {"authorization_details": []}, {"acr": "urn:voltex:acr:password"}],
)
async def test_publishing_needs_a_fresh_login_for_it(world: World, claims: dict[str, Any]) -> None:
    call = world.publish(world.offline.root(), meta.METADATA_ROLE_ROOT, **claims)
    assert (await refused(call))[0] == "UNAUTHENTICATED"


async def test_the_online_files_are_made_anew_before_their_end(world: World, database: Database) -> None:
    await world.publish_root(world.offline.root())
    await world.publish(world.offline.targets())
    publisher, now = Publisher(OnlineKey.of(world.offline.online)), datetime.now(UTC)
    config = DatabaseConfig(url=Secret(database.service_url))
    seen = []
    async with open_database(config, application="test") as opened:
        for hours in (1, 13, 14, 24 * 5):
            async with opened.platform() as tx:
                assert not await Publisher(None).renew(tx, now=now + timedelta(hours=hours))
                await publisher.renew(tx, now=now + timedelta(hours=hours))
            timestamp = await world.download("timestamp.json")
            seen.append((timestamp["version"], timestamp["meta"]["snapshot.json"]["version"]))
    assert seen == [(1, 1), (2, 1), (2, 1), (3, 2)]


async def test_a_draft_changes_and_what_is_out_does_not(world: World) -> None:
    draft = await world.create(7)
    wanted = FirmwareRelease(
        name=draft.name, etag=draft.etag, notes="mends", images=[an_image(OTHER)], version="9.9.9", sequence=99
    )
    mask = FieldMask(paths=["notes"])
    edited = await world.releases.UpdateRelease(UpdateReleaseRequest(firmware_release=wanted, update_mask=mask))
    assert (edited.notes, edited.version, list(edited.images)) == ("mends", draft.version, list(draft.images))
    stale = FirmwareRelease(name=draft.name, etag=draft.etag, notes="again", images=[an_image()])
    stale.version, stale.sequence = draft.version, draft.sequence
    call = world.releases.UpdateRelease(UpdateReleaseRequest(firmware_release=stale, update_mask=mask))
    assert await refused(call) == ("ABORTED", "ETAG_MISMATCH")
    await world.publish_root(world.offline.root())
    await world.publish(world.offline.targets(1, target(IMAGE, sequence=7)))
    stale.etag = ""
    call = world.releases.UpdateRelease(UpdateReleaseRequest(firmware_release=stale))
    assert await refused(call) == ("FAILED_PRECONDITION", "RELEASE_FIXED")
    withdrawn = await world.releases.WithdrawRelease(WithdrawReleaseRequest(name=draft.name))
    assert withdrawn.state == WITHDRAWN
    assert await world.releases.WithdrawRelease(WithdrawReleaseRequest(name=draft.name)) == withdrawn


async def test_sequences_rise_and_nothing_is_used_twice(world: World) -> None:
    await world.create(7)
    assert await refused(world.create(7)) == ("ALREADY_EXISTS", "RELEASE_EXISTS")
    await world.publish_root(world.offline.root())
    await world.publish(world.offline.targets(1, target(IMAGE, sequence=7)))
    assert await refused(world.create(6)) == ("FAILED_PRECONDITION", "SEQUENCE_OLD")
    for sequence in (8, 9):
        await world.create(sequence, compatibility=Compatibility(firmware_sequence_min=3))
    first = await world.releases.ListReleases(ListReleasesRequest(page_size=2))
    assert [each.sequence for each in first.firmware_releases] == [9, 8]
    rest = await world.releases.ListReleases(ListReleasesRequest(page_token=first.next_page_token))
    assert [each.sequence for each in rest.firmware_releases] == [7]
    signed = await world.releases.ListReleases(ListReleasesRequest(state=SIGNED))
    assert [each.sequence for each in signed.firmware_releases] == [7]


@pytest.mark.parametrize(
    ("images", "expected"),
    [
        ([an_image(), an_image(OTHER, hardware_revision_min=9, hardware_revision_max=12)], "INVALID_ARGUMENT"),
        ([an_image(hardware_revision_min=10)], "INVALID_ARGUMENT"),
        ([an_image(secrets.token_bytes(10))], "ARTEFACT_NOT_READY"),
        ([an_image(), an_image(OTHER, base_sequence=6)], ""),
    ],
    ids=["overlap", "revisions", "absent", "difference"],
)
async def test_images_fit_together(world: World, images: list[FirmwareImage], expected: str) -> None:
    if expected:
        assert expected in await refused(world.create(7, *images))
    else:
        assert (await world.create(7, *images)).state == DRAFT
