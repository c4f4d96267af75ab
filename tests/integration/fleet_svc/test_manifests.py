"""ManifestService: from a factory's signature to Hubs in the registry."""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from ora.fleet.v1.hub_pb2 import Hub
from ora.fleet.v1.hub_service_pb2 import ListHubsRequest
from ora.fleet.v1.manifest_pb2 import FactoryKey, ImportProblem, ManufacturingImport
from ora.fleet.v1.manifest_service_pb2 import (
    CancelImportRequest,
    CommitImportRequest,
    GetImportRequest,
    ListFactoryKeysRequest,
    ListImportProblemsRequest,
    ListImportsRequest,
    RegisterFactoryKeyRequest,
    RetireFactoryKeyRequest,
    StartImportRequest,
    UploadEntriesRequest,
)
from ora.fleet.v1.manifest_service_pb2_grpc import ManifestServiceStub
from ora.fleet.v1.manufacturing_statement_pb2 import ManufacturingEntry, ManufacturingManifestStatement

from tests.integration.fleet_svc import node as nodes
from tests.integration.fleet_svc.hub_actor import HubActor, sign
from tests.integration.fleet_svc.node import Node, refused
from tests.integration.gateway.tokens import Issuer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from tests.integration.fleet_svc.postgres import Database

CONTEXT = b"ora manufacturing manifest v1"
INTENT = {"authorization_details": [{"type": "ora_factory_key_register"}]}


def an_entry(*, hub_id: bytes | None = None, key: bytes | None = None) -> bytes:
    entry = ManufacturingEntry(
        hub_id=hub_id or uuid.uuid4().bytes,
        identity_public_key=key or uuid.uuid4().bytes * 2,
        hardware_model="ora-hub-1",
        hardware_revision=2,
        firmware_sequence=7,
    )
    return entry.SerializeToString()


class Factory:
    """Makes Hubs and vouches for them."""

    def __init__(self, name: str = "kaohsiung-1") -> None:
        self.name, self.key = name, Ed25519PrivateKey.generate()

    @property
    def public_key(self) -> bytes:
        return self.key.public_key().public_bytes_raw()

    def manifest(self, entries: list[bytes], *, manifest_id: uuid.UUID | None = None) -> Any:
        manifest_id = manifest_id or uuid.uuid4()
        chain = hashlib.sha256(b"ora manifest v1\x00" + manifest_id.bytes).digest()
        for entry in entries:
            chain = hashlib.sha256(chain + hashlib.sha256(entry).digest()).digest()
        statement = ManufacturingManifestStatement(
            manifest_id=manifest_id.bytes,
            factory=self.name,
            lot="2026-09",
            hub_count=len(entries),
            entries_digest=chain,
            created_seconds=1_767_225_600,
        )
        return sign(self.key, CONTEXT, statement.SerializeToString())


class World:
    """A node, and an operator with a token of Ora's staff."""

    def __init__(self, node: Node, issuer: Issuer) -> None:
        self.node, self.issuer = node, issuer
        self.stub: Any = ManifestServiceStub(node.channel("operator"))

    async def register(self, factory: Factory, **claims: Any) -> FactoryKey:
        now = int(time.time())
        login = {"role": "support", "nbf": now, "acr": "urn:voltex:acr:otp", "auth_time": now}
        request = RegisterFactoryKeyRequest(
            factory_key=FactoryKey(factory=factory.name, public_key=factory.public_key), request_id=str(uuid.uuid4())
        )
        metadata = (("authorization", f"Bearer {self.issuer.token(**{**login, **INTENT, **claims})}"),)
        made: FactoryKey = await self.stub.RegisterFactoryKey(request, metadata=metadata)
        return made

    async def start(self, manifest: Any) -> ManufacturingImport:
        opened: ManufacturingImport = await self.stub.StartImport(StartImportRequest(manifest=manifest))
        return opened

    async def upload(self, name: str, entries: list[bytes], *, first: int = 0, piece: int = 1000) -> Any:
        async def pieces() -> AsyncIterator[UploadEntriesRequest]:
            for at in range(0, len(entries), piece):
                yield UploadEntriesRequest(
                    name="" if at else name, first_entry_index=first + at, entries=entries[at : at + piece]
                )

        return [answer async for answer in self.stub.UploadEntries(pieces())][-1]

    async def commit(self, name: str) -> ManufacturingImport:
        committed: ManufacturingImport = await self.stub.CommitImport(CommitImportRequest(name=name))
        return committed

    async def get(self, name: str) -> ManufacturingImport:
        found: ManufacturingImport = await self.stub.GetImport(GetImportRequest(name=name))
        return found

    async def opened(self, entries: list[bytes]) -> ManufacturingImport:
        factory = Factory()
        await self.register(factory)
        return await self.start(factory.manifest(entries))


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with Issuer(nodes.ISSUER) as running:
        yield running


@pytest_asyncio.fixture
async def world(
    monkeypatch: pytest.MonkeyPatch, certificates: Path, database: Database, issuer: Issuer
) -> AsyncIterator[World]:
    monkeypatch.setattr("fleet_svc.__main__.RateLimiter", lambda _redis, monotonic: nodes.unlimited(monotonic))
    settings = {"ORA_OIDC_ISSUERS": json.dumps([nodes.issuer_setting(issuer.jwks_uri)])}
    async with nodes.running(monkeypatch, certificates, database.service_url, **settings) as node:
        yield World(node, issuer)


async def test_a_manifest_becomes_hubs(world: World, database: Database) -> None:
    entries = [an_entry() for _ in range(25)]
    held = await world.opened(entries)
    assert (held.state, held.hub_count, held.committed_count) == (ManufacturingImport.STATE_UPLOADING, 25, 0)
    answer = await world.upload(held.name, entries, piece=10)
    assert (answer.committed_count, answer.problem_count) == (25, 0)
    assert answer.state == ManufacturingImport.STATE_VERIFIED
    assert await database.value("SELECT count(*) FROM fleet.hub") == 0
    committed = await world.commit(held.name)
    assert committed.state == ManufacturingImport.STATE_COMMITTED
    assert await world.commit(held.name) == committed
    page = await world.node.hubs().ListHubs(ListHubsRequest(lot="2026-09"))
    assert len(page.hubs) == 25
    assert {(each.state, each.hardware_revision) for each in page.hubs} == {(Hub.STATE_PROVISIONED, 2)}
    assert await database.value("SELECT count(*) FROM fleet.manufacturing_entry") == 0
    assert await database.value("SELECT min(factory_firmware_sequence) FROM fleet.hub") == 7


async def test_an_upload_goes_on_where_it_was(world: World) -> None:
    entries = [an_entry() for _ in range(10)]
    held = await world.opened(entries)
    await world.upload(held.name, entries[:4], piece=2)
    assert (await world.get(held.name)).committed_count == 4
    assert await refused(world.upload(held.name, entries, piece=5)) == ("OUT_OF_RANGE", "ENTRY_OUT_OF_ORDER")
    answer = await world.upload(held.name, entries[4:], first=4)
    assert answer.state == ManufacturingImport.STATE_VERIFIED


async def test_entries_that_the_factory_did_not_sign_are_refused_and_deleted(world: World, database: Database) -> None:
    entries = [an_entry() for _ in range(5)]
    held = await world.opened(entries)
    answer = await world.upload(held.name, [*entries[:4], an_entry()])
    assert answer.state == ManufacturingImport.STATE_REFUSED
    assert await database.value("SELECT count(*) FROM fleet.manufacturing_entry") == 0
    assert await refused(world.commit(held.name)) == ("FAILED_PRECONDITION", "STATE_CONFLICT")


async def test_each_problem_is_named_and_nothing_is_committed(world: World, database: Database) -> None:
    known = HubActor()
    await world.node.create(known)
    good = ManufacturingEntry.FromString(an_entry())
    entries = [
        good.SerializeToString(),
        an_entry(hub_id=known.id.bytes),
        an_entry(key=known.identity_public_key),
        an_entry(hub_id=good.hub_id),
        an_entry(key=good.identity_public_key),
        b"\xff",
        an_entry(hub_id=bytes(16)),
    ]
    held = await world.opened(entries)
    answer = await world.upload(held.name, entries, piece=3)
    assert (answer.problem_count, answer.state) == (6, ManufacturingImport.STATE_VERIFIED)
    seen: list[Any] = []
    token = ""
    while not seen or token:
        request = ListImportProblemsRequest(parent=held.name, page_size=4, page_token=token)
        page = await world.stub.ListImportProblems(request)
        seen += page.import_problems
        token = page.next_page_token
    assert [(each.entry_index, each.reason) for each in seen] == [
        (1, ImportProblem.REASON_HUB_EXISTS),
        (2, ImportProblem.REASON_KEY_EXISTS),
        (3, ImportProblem.REASON_REPEATED),
        (4, ImportProblem.REASON_REPEATED),
        (5, ImportProblem.REASON_MALFORMED),
        (6, ImportProblem.REASON_MALFORMED),
    ]
    assert seen[0].hub == known.name
    assert await refused(world.commit(held.name)) == ("FAILED_PRECONDITION", "IMPORT_HAS_PROBLEMS")
    assert await database.value("SELECT count(*) FROM fleet.hub") == 1


async def test_a_hub_that_appeared_after_the_upload_stops_the_commit(world: World) -> None:
    actor = HubActor()
    entries = [an_entry(hub_id=actor.id.bytes)]
    held = await world.opened(entries)
    await world.upload(held.name, entries)
    await world.node.create(actor)
    assert await refused(world.commit(held.name)) == ("FAILED_PRECONDITION", "IMPORT_HAS_PROBLEMS")
    assert (await world.get(held.name)).problem_count == 1


async def test_the_same_manifest_is_one_import_and_its_id_is_used_once(world: World) -> None:
    factory, entries, manifest_id = Factory(), [an_entry()], uuid.uuid4()
    await world.register(factory)
    held = await world.start(factory.manifest(entries, manifest_id=manifest_id))
    await world.upload(held.name, entries)
    again = await world.start(factory.manifest(entries, manifest_id=manifest_id))
    assert (again.name, again.committed_count) == (held.name, 1)
    other = factory.manifest([an_entry()], manifest_id=manifest_id)
    assert await refused(world.start(other)) == ("ABORTED", "RECORD_CONFLICT")


async def test_only_a_registered_key_of_that_factory_vouches(world: World) -> None:
    factory, liar = Factory(), Factory("elsewhere")
    manifest = factory.manifest([an_entry()])
    assert await refused(world.start(manifest)) == ("FAILED_PRECONDITION", "KEY_UNKNOWN")
    await world.register(liar)
    liar.name = "kaohsiung-1"
    assert await refused(world.start(liar.manifest([an_entry()]))) == ("PERMISSION_DENIED", "FACTORY_MISMATCH")
    key = await world.register(factory)
    manifest.signature = bytes(64)
    assert await refused(world.start(manifest)) == ("INVALID_ARGUMENT", "SIGNATURE_INVALID")
    retired = await world.stub.RetireFactoryKey(RetireFactoryKeyRequest(name=key.name))
    assert retired.state == FactoryKey.STATE_RETIRED
    assert await world.stub.RetireFactoryKey(RetireFactoryKeyRequest(name=key.name)) == retired
    assert await refused(world.start(factory.manifest([an_entry()]))) == ("FAILED_PRECONDITION", "KEY_UNKNOWN")


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"auth_time": 1_600_000_000}, "INSUFFICIENT_USER_AUTHENTICATION"),
        ({"acr": "urn:voltex:acr:password"}, "INSUFFICIENT_USER_AUTHENTICATION"),
        ({"authorization_details": [{"type": "something_else"}]}, "INSUFFICIENT_USER_AUTHENTICATION"),
    ],
)
async def test_a_factory_key_needs_a_fresh_login_for_it(world: World, claims: dict[str, Any], reason: str) -> None:
    assert await refused(world.register(Factory(), **claims)) == ("UNAUTHENTICATED", reason)


async def test_a_factory_key_is_registered_once_and_listed(world: World) -> None:
    factory = Factory()
    key = await world.register(factory)
    assert key.name == f"factoryKeys/{hashlib.sha256(factory.public_key).digest()[:8].hex()}"
    assert await refused(world.register(factory)) == ("ALREADY_EXISTS", "FACTORY_KEY_EXISTS")
    await world.register(Factory())
    first = await world.stub.ListFactoryKeys(ListFactoryKeysRequest(page_size=1))
    request = ListFactoryKeysRequest(page_size=1, page_token=first.next_page_token)
    second = await world.stub.ListFactoryKeys(request)
    names = [each.name for each in (*first.factory_keys, *second.factory_keys)]
    assert key.name in names
    assert names == sorted(names)
    assert second.next_page_token == ""


async def test_a_cancelled_import_is_over(world: World, database: Database) -> None:
    entries = [an_entry() for _ in range(3)]
    held = await world.opened(entries)
    await world.upload(held.name, entries[:2])
    cancelled = await world.stub.CancelImport(CancelImportRequest(name=held.name))
    assert cancelled.state == ManufacturingImport.STATE_CANCELLED
    assert await database.value("SELECT count(*) FROM fleet.manufacturing_entry") == 0
    refusal = await refused(world.upload(held.name, entries[2:], first=2))
    assert refusal == ("FAILED_PRECONDITION", "STATE_CONFLICT")


async def test_imports_page_newest_first(world: World) -> None:
    factory = Factory()
    await world.register(factory)
    names = [(await world.start(factory.manifest([an_entry()]))).name for _ in range(3)]
    seen: list[str] = []
    token = ""
    while not seen or token:
        page = await world.stub.ListImports(ListImportsRequest(page_size=2, page_token=token))
        seen += [each.name for each in page.manufacturing_imports]
        token = page.next_page_token
    assert seen == names[::-1]
    request = ListImportsRequest(state=ManufacturingImport.STATE_COMMITTED)
    assert list((await world.stub.ListImports(request)).manufacturing_imports) == []


async def test_an_upload_names_its_import_first(world: World) -> None:
    assert (await refused(world.upload("", [an_entry()])))[0] == "INVALID_ARGUMENT"
    unknown = f"manufacturingImports/{uuid.uuid4()}"
    assert await refused(world.upload(unknown, [an_entry()])) == ("NOT_FOUND", "IMPORT_UNKNOWN")
