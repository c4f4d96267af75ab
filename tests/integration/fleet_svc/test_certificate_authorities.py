"""CertificateAuthorityService: one authority follows another, with keys in an HSM, and no relay shuts a Hub out."""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from ora.fleet.v1.certificate_authority_pb2 import CertificateAuthority, TrustBundle
from ora.fleet.v1.certificate_authority_service_pb2 import (
    ActivateCertificateAuthorityRequest,
    CreateCertificateAuthorityRequest,
    GetRevocationListRequest,
    GetTrustBundleRequest,
    InstallCertificateRequest,
    ListCertificateAuthoritiesRequest,
    PublishTrustBundleRequest,
    RetireCertificateAuthorityRequest,
)
from ora.fleet.v1.certificate_authority_service_pb2_grpc import CertificateAuthorityServiceStub
from ora.fleet.v1.certificate_statement_pb2 import TRUST_PURPOSE_EDGE, TRUST_PURPOSE_HUB, TrustBundleStatement

from devstack.fleet import trust_files
from fleet_svc import revoking
from fleet_svc.api.events import HubEvents
from mesh import ids
from mesh.config import Secret
from mesh.db import open_database
from mesh.settings import DatabaseConfig
from relay.io.tls import ReloadingContext, TlsFiles, make_context
from tests.hsm import hsm
from tests.integration.fleet_svc import hub_authority
from tests.integration.fleet_svc import node as nodes
from tests.integration.fleet_svc.hub_actor import HubActor, sign
from tests.integration.fleet_svc.hub_roots import Root, hub_context, is_taken, pem
from tests.integration.fleet_svc.node import refused
from tests.integration.fleet_svc.test_certificates import World as Certificates
from tests.integration.gateway.tokens import Issuer

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from mesh.pkcs11 import Pkcs11Config
    from tests.integration.fleet_svc.node import Node
    from tests.integration.fleet_svc.postgres import Database

__all__ = ["hsm"]

pytestmark = pytest.mark.debian("softhsm2")

INTENT = "ora_authority_change"
INVALID = ("INVALID_ARGUMENT", "AUTHORITY_CERTIFICATE_INVALID")
STATES = CertificateAuthority


class World(Certificates):
    """A node with an HSM, an operator of Ora's staff, and the offline trust key."""

    def __init__(self, node: Node, root: x509.Certificate, issuer: Issuer, trust: Ed25519PrivateKey) -> None:
        super().__init__(node, root)
        self.issuer, self.trust = issuer, trust
        self.stub: Any = CertificateAuthorityServiceStub(node.channel("operator"))

    def login(self, **claims: Any) -> tuple[tuple[str, str], ...]:
        now = int(time.time())
        usual = {"role": "support", "nbf": now, "acr": "urn:voltex:acr:otp", "auth_time": now}
        intent = {"authorization_details": [{"type": INTENT}]}
        return (("authorization", f"Bearer {self.issuer.token(**{**usual, **intent, **claims})}"),)

    async def create(self, root: Root | None = None, request_id: str = "", **claims: Any) -> Any:
        kind = STATES.KIND_ROOT if root else STATES.KIND_INTERMEDIATE
        request = CreateCertificateAuthorityRequest(
            certificate_authority=CertificateAuthority(kind=kind),
            root_certificate_der=root.der if root else b"",
            request_id=request_id or str(uuid.uuid4()),
        )
        return await self.stub.CreateCertificateAuthority(request, metadata=self.login(**claims))

    async def install(self, name: str, own: bytes, *cross: bytes) -> Any:
        request = InstallCertificateRequest(name=name, certificate_der=own, cross_certificates_der=cross)
        return await self.stub.InstallCertificate(request, metadata=self.login())

    async def activate(self, name: str) -> Any:
        request = ActivateCertificateAuthorityRequest(name=name)
        return await self.stub.ActivateCertificateAuthority(request, metadata=self.login())

    async def retire(self, name: str, *, force: bool = False) -> Any:
        request = RetireCertificateAuthorityRequest(name=name, force=force)
        return await self.stub.RetireCertificateAuthority(request, metadata=self.login())

    async def all(self) -> list[CertificateAuthority]:
        answer = await self.stub.ListCertificateAuthorities(ListCertificateAuthoritiesRequest())
        return list(answer.certificate_authorities)

    async def signing(self) -> CertificateAuthority:
        (found,) = [each for each in await self.all() if each.state == STATES.STATE_SIGNING]
        return found

    def bundle(self, version: int, *anchors: bytes, by: Ed25519PrivateKey | None = None) -> TrustBundle:
        statement = TrustBundleStatement(
            purpose=TRUST_PURPOSE_HUB,
            version=version,
            anchor_fingerprints=[hashlib.sha256(each).digest() for each in anchors],
            created_seconds=int(time.time()),
        )
        record = sign(by or self.trust, b"ora trust bundle v1", statement.SerializeToString(deterministic=True))
        return TrustBundle(purpose=TRUST_PURPOSE_HUB, version=version, anchors_der=anchors, statement=record)

    async def publish(self, bundle: TrustBundle) -> Any:
        return await self.stub.PublishTrustBundle(PublishTrustBundleRequest(trust_bundle=bundle))

    async def revocations(self, name: str = "") -> Any:
        return await self.stub.GetRevocationList(GetRevocationListRequest(certificate_authority=name))

    async def ready_successor(self, root: Root) -> Any:
        """Make an intermediate that may be activated."""
        await self.create(root)
        made = await self.create()
        await self.publish(self.bundle(1, self.old_root, root.der))
        return await self.install(made.name, root.sign(made.csr_der))

    @property
    def old_root(self) -> bytes:
        return self.root.public_bytes(Encoding.DER)


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with Issuer(nodes.ISSUER) as running:
        yield running


@pytest_asyncio.fixture
async def world(
    monkeypatch: pytest.MonkeyPatch,
    certificates: Path,
    database: Database,
    issuer: Issuer,
    tmp_path: Path,
    hsm: Pkcs11Config,
) -> AsyncIterator[World]:
    monkeypatch.setattr("fleet_svc.__main__.RateLimiter", lambda _redis, monotonic: nodes.unlimited(monotonic))
    settings, root = hub_authority.write(tmp_path)
    trust = Ed25519PrivateKey.generate()
    (tmp_path / "trust.pem").write_bytes(
        trust.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    settings |= {
        "ORA_OIDC_ISSUERS": json.dumps([nodes.issuer_setting(issuer.jwks_uri)]),
        "ORA_PKCS11_MODULE": hsm.module,
        "ORA_PKCS11_TOKEN": hsm.token,
        "ORA_PKCS11_PIN_FILE": str(hsm.pin_file),
        "ORA_FLEET_TRUST_KEY": str(tmp_path / "trust.pem"),
    }
    async with nodes.running(monkeypatch, certificates, database.service_url, **settings) as node:
        yield World(node, root, issuer, trust)


async def a_hub(world: World) -> tuple[HubActor, ec.EllipticCurvePrivateKey, Any]:
    actor, key = HubActor(), ec.generate_private_key(ec.SECP256R1())
    await world.node.create(actor)
    return actor, key, await world.issue(actor, hub_authority.request(key))


def a_listener(world: World, folder: Path, name: str, anchors: list[bytes], lists: list[bytes]) -> ssl.SSLContext:
    """Return the relay's own context for these files."""
    (folder / name).mkdir()
    trust, revoked = folder / name / "hub-ca.pem", folder / name / "hub-crl.pem"
    trust.write_bytes(pem(anchors))
    revoked.write_bytes(b"".join(x509.load_der_x509_crl(each).public_bytes(Encoding.PEM) for each in lists))
    shown = world.node.certificates / "relay"
    return make_context(TlsFiles(shown / "tls.crt", shown / "tls.key", trust, revoked))


async def test_one_authority_follows_another_and_nobody_is_shut_out(world: World, tmp_path: Path) -> None:
    actor, key, first = await a_hub(world)
    old, new_root = await world.signing(), Root("Hub root 2")
    await world.create(new_root)
    made = await world.create()
    assert (made.state, made.kind) == (STATES.STATE_PENDING, STATES.KIND_INTERMEDIATE)
    # The new root signs, and so does nobody else yet: the old root's key is what a Hub's relay knows today.
    trusted = await world.install(made.name, new_root.sign(made.csr_der))
    assert trusted.state == STATES.STATE_TRUSTED
    assert await refused(world.activate(made.name)) == ("FAILED_PRECONDITION", "TRUST_BUNDLE_BEHIND")
    await world.publish(world.bundle(1, world.old_root))
    assert await refused(world.activate(made.name)) == ("FAILED_PRECONDITION", "TRUST_BUNDLE_BEHIND")
    await world.publish(world.bundle(2, world.old_root, new_root.der))
    assert (await world.activate(made.name)).state == STATES.STATE_SIGNING
    assert {each.name: each.state for each in await world.all()}[old.name] == STATES.STATE_RETIRING

    second = await world.renew(actor, first, hub_authority.request(key))
    leaf, own = (x509.load_der_x509_certificate(each) for each in second.chain_der)
    leaf.verify_directly_issued_by(own)
    own.verify_directly_issued_by(new_root.certificate)
    lists = [(await world.revocations(each)).crl_der for each in (old.name, made.name)]
    both = a_listener(world, tmp_path, "both", [world.old_root, new_root.der], lists)
    only_old = a_listener(world, tmp_path, "old", [world.old_root], lists)
    shows_first = hub_context(tmp_path, key, first.chain_der)
    shows_second = hub_context(tmp_path, key, second.chain_der)
    assert (is_taken(both, shows_first), is_taken(both, shows_second)) == (True, True)
    assert (is_taken(only_old, shows_first), is_taken(only_old, shows_second)) == (True, False)


async def test_a_cross_certificate_carries_who_knows_the_old_root_alone(
    world: World, tmp_path: Path, database: Database
) -> None:
    first_root, second_root = Root("Hub root 1"), Root("Hub root 2")
    for each in (first_root, second_root):
        await world.create(each)
    made = await world.create()
    await world.publish(world.bundle(1, first_root.der, second_root.der))
    own, crossed = second_root.sign(made.csr_der), first_root.sign(made.csr_der)
    await world.install(made.name, own, crossed)
    await world.activate(made.name)
    actor, key, shown = await a_hub(world)
    assert list(shown.chain_der)[1:] == [crossed, own]
    lists = [(await world.revocations()).crl_der]
    shows = hub_context(tmp_path, key, shown.chain_der)
    for name, roots in (("old", [first_root.der]), ("both", [first_root.der, second_root.der])):
        assert is_taken(a_listener(world, tmp_path, name, roots, lists), shows)
    assert await database.value("SELECT count(*) FROM fleet.certificate WHERE hub_id = $1", actor.id) == 1
    # The old root is in use until nobody needs the cross-certificate.
    (old_root,) = [each.name for each in await world.all() if each.certificate_der == first_root.der]
    assert await refused(world.retire(old_root)) == ("FAILED_PRECONDITION", "AUTHORITY_IN_USE")
    await world.install(made.name, own)
    assert (await world.retire(old_root)).state == STATES.STATE_RETIRED
    _, key, shown = await a_hub(world)
    listener = a_listener(world, tmp_path, "new", [second_root.der], lists)
    assert is_taken(listener, hub_context(tmp_path, key, shown.chain_der))


async def test_the_list_of_an_authority_has_what_it_revoked(world: World, tmp_path: Path) -> None:
    actor, key, one = await a_hub(world)
    _, _, other = await a_hub(world)
    await world.revoke(other.name)
    first = await world.revocations()
    assert (await world.revocations()).crl_number >= first.crl_number
    await world.revoke(one.name)
    second = await world.revocations()
    assert second.crl_number > first.crl_number
    read = x509.load_der_x509_crl(second.crl_der)
    assert {each.serial_number for each in read} == {int(each.name.rpartition("/")[2], 16) for each in (one, other)}
    own = x509.load_der_x509_certificate(one.chain_der[1])
    key_of_own = own.public_key()
    assert isinstance(key_of_own, ec.EllipticCurvePublicKey)
    assert read.is_signature_valid(key_of_own)
    assert read.next_update_utc is not None
    assert read.next_update_utc > datetime.now(UTC) + timedelta(hours=12)
    listener = a_listener(world, tmp_path, "relay", [world.old_root], [second.crl_der])
    assert not is_taken(listener, hub_context(tmp_path, key, one.chain_der))
    assert actor.id.hex not in second.crl_der.hex()


async def test_an_authority_is_retired_when_no_hub_shows_its_certificates(world: World) -> None:
    actor, _, first = await a_hub(world)
    old, new_root = await world.signing(), Root("Hub root 2")
    ready = await world.ready_successor(new_root)
    assert await refused(world.retire(old.name)) == ("FAILED_PRECONDITION", "AUTHORITY_STATE")
    await world.activate(ready.name)
    assert await refused(world.retire(old.name)) == ("FAILED_PRECONDITION", "AUTHORITY_IN_USE")
    await world.renew(actor, first)
    await world.revoke(first.name)
    assert (await world.retire(old.name)).state == STATES.STATE_RETIRED
    assert await refused(world.activate(old.name)) == ("FAILED_PRECONDITION", "AUTHORITY_STATE")


async def test_what_an_authority_that_is_retired_by_force_has_out_is_revoked(world: World, database: Database) -> None:
    hubs = [await a_hub(world) for _ in range(3)]
    old = await world.signing()
    await world.retire(old.name, force=True)
    assert await refused(a_hub(world)) == ("UNAVAILABLE", "AUTHORITY_UNAVAILABLE")
    config = DatabaseConfig(url=Secret(database.service_url))
    async with open_database(config, application="test") as opened:
        events = HubEvents(now=lambda: datetime.now(UTC), new_id=ids.uuid7)
        assert await revoking.revoke_of_retired(opened, events, now=datetime.now(UTC)) == len(hubs)
        assert await revoking.revoke_of_retired(opened, events, now=datetime.now(UTC)) == 0
    for actor, _, shown in hubs:
        serial = bytes.fromhex(shown.name.rpartition("/")[2].zfill(40)).lstrip(b"\0")
        assert list((await world.admission(actor)).revoked_serials) == [serial]


async def test_the_same_request_makes_one_key(world: World) -> None:
    request_id = str(uuid.uuid4())
    first = await world.create(request_id=request_id)
    assert await world.create(request_id=request_id) == first
    root = Root("Hub root 2")
    await world.create(root)
    assert await refused(world.create(root)) == ("ALREADY_EXISTS", "AUTHORITY_EXISTS")


async def test_certificates_that_no_relay_would_take_are_refused(world: World) -> None:
    root, stranger = Root("Hub root 2"), Root("Stranger")
    await world.create(root)
    made, other = await world.create(), await world.create()
    for bad in (
        stranger.sign(made.csr_der),
        root.sign(other.csr_der),
        root.sign(made.csr_der, path_length=None),
        root.sign(made.csr_der, usage=False),
        root.sign(made.csr_der, days=-1),
        b"no certificate",
    ):
        assert await refused(world.install(made.name, bad)) == INVALID
    own = root.sign(made.csr_der)
    assert await refused(world.install(made.name, own, root.sign(made.csr_der))) == INVALID
    await world.install(made.name, own)
    assert await refused(world.install(made.name, root.sign(made.csr_der))) == (
        "FAILED_PRECONDITION",
        "AUTHORITY_STATE",
    )
    assert await refused(world.install((await world.signing()).name, own)) == (
        "FAILED_PRECONDITION",
        "AUTHORITY_STATE",
    )


async def test_bundles_are_of_the_trust_key_and_rise(world: World) -> None:
    anchors = (world.old_root, Root("Hub root 2").der)
    request = GetTrustBundleRequest(purpose=TRUST_PURPOSE_HUB)
    anybody: Any = CertificateAuthorityServiceStub(world.node.channel("gateway"))
    assert await refused(anybody.GetTrustBundle(request)) == ("NOT_FOUND", "TRUST_BUNDLE_UNKNOWN")
    good = world.bundle(2, *anchors)
    assert await world.publish(good) == good == await world.publish(good)
    for bundle in (world.bundle(1, *anchors), world.bundle(2, *anchors[:1])):
        assert await refused(world.publish(bundle)) == ("FAILED_PRECONDITION", "TRUST_BUNDLE_OLD")
    swapped = world.bundle(3, *anchors)
    swapped.anchors_der.reverse()
    elsewhere = world.bundle(3, *anchors)
    elsewhere.purpose = TRUST_PURPOSE_EDGE
    for bundle in (swapped, elsewhere, world.bundle(3, *anchors, by=Ed25519PrivateKey.generate())):
        assert await refused(world.publish(bundle)) == ("INVALID_ARGUMENT", "TRUST_BUNDLE_INVALID")
    assert await anybody.GetTrustBundle(request) == good


@pytest.mark.parametrize(
    "claims",
    [{"auth_time": 1_000_000_000}, {"acr": "urn:voltex:acr:password"}, {"authorization_details": []}],
    ids=["old", "weak", "for something else"],
)
async def test_changes_need_a_fresh_login_for_just_that(world: World, claims: dict[str, Any]) -> None:
    assert (await refused(world.create(**claims)))[0] == "UNAUTHENTICATED"


async def test_there_is_a_list_of_what_signs_alone(world: World) -> None:
    root = await world.create(Root("Hub root 2"))
    pending = await world.create()
    for name in (root.name, pending.name):
        assert await refused(world.revocations(name)) == ("FAILED_PRECONDITION", "AUTHORITY_STATE")
    unknown = f"certificateAuthorities/{uuid.uuid4()}"
    assert await refused(world.revocations(unknown)) == ("NOT_FOUND", "AUTHORITY_UNKNOWN")


async def test_the_files_of_relays_follow_a_rotation_while_they_run(world: World, tmp_path: Path) -> None:
    actor, key, first = await a_hub(world)
    folder = tmp_path / "trust"
    folder.mkdir()
    assert await trust_files.write(world.node.channel("operator"), folder) == ["hub-ca.pem", "hub-crl.pem"]
    shown = world.node.certificates / "relay"
    files = TlsFiles(shown / "tls.crt", shown / "tls.key", folder / "hub-ca.pem", folder / "hub-crl.pem")
    relay = ReloadingContext(files)
    shows_first = hub_context(tmp_path, key, first.chain_der)
    assert is_taken(relay.context, shows_first)

    new_root = Root("Hub root 2")
    ready = await world.ready_successor(new_root)
    # The files are there before the authority signs.
    assert await trust_files.write(world.node.channel("operator"), folder) == ["hub-ca.pem", "hub-crl.pem"]
    assert relay.refresh()
    await world.activate(ready.name)
    second = await world.renew(actor, first, hub_authority.request(key))
    shows_second = hub_context(tmp_path, key, second.chain_der)
    assert (is_taken(relay.context, shows_first), is_taken(relay.context, shows_second)) == (True, True)

    await world.revoke(first.name)
    assert await trust_files.write(world.node.channel("operator"), folder) == ["hub-crl.pem"]
    assert relay.refresh()
    assert (is_taken(relay.context, shows_first), is_taken(relay.context, shows_second)) == (False, True)
