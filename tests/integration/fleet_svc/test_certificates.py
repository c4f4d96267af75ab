"""CertificateService: proof, issue, renewal, revocation."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from ora.fleet.v1 import certificate_pb2
from ora.fleet.v1.admission_service_pb2 import GetAdmissionRequest, WatchAdmissionsRequest
from ora.fleet.v1.certificate_pb2 import Certificate
from ora.fleet.v1.certificate_service_pb2 import (
    CreateCertificateChallengeRequest,
    GetCertificateRequest,
    IssueCertificateRequest,
    ListCertificatesRequest,
    RenewCertificateRequest,
    RevokeCertificateRequest,
    RevokeHubCertificatesRequest,
)
from ora.fleet.v1.certificate_service_pb2_grpc import CertificateServiceStub
from ora.fleet.v1.certificate_statement_pb2 import CertificateRequestStatement
from ora.fleet.v1.hub_pb2 import Hub
from ora.fleet.v1.hub_service_pb2 import DecommissionHubRequest, GetHubRequest, SuspendHubRequest

from tests.integration.fleet_svc import hub_authority
from tests.integration.fleet_svc import node as nodes
from tests.integration.fleet_svc.hub_actor import HubActor, sign
from tests.integration.fleet_svc.node import Node, refused

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.integration.fleet_svc.postgres import Database

CONTEXT = b"ora certificate request v1"
LOST = certificate_pb2.REVOCATION_REASON_LOST


class World:
    """A node that signs, and the root of what it signs."""

    def __init__(self, node: Node, root: x509.Certificate) -> None:
        self.node, self.root = node, root

    def certificates(self, workload: str = "gateway") -> Any:
        return CertificateServiceStub(self.node.channel(workload))

    async def challenge(self, actor: HubActor) -> bytes:
        made = await self.certificates().CreateCertificateChallenge(CreateCertificateChallengeRequest(hub=actor.name))
        return bytes(made.challenge)

    async def proof(self, actor: HubActor, csr: bytes, **changed: bytes) -> Any:
        fields: dict[str, bytes] = {
            "hub_id": actor.id.bytes,
            "challenge": changed.get("challenge") or await self.challenge(actor),
            "csr_digest": hashlib.sha256(csr).digest(),
            **changed,
        }
        return sign(actor.identity, CONTEXT, CertificateRequestStatement(**fields).SerializeToString())

    async def issue(self, actor: HubActor, csr: bytes | None = None, proof: Any = None) -> Certificate:
        csr = csr or hub_authority.request()
        proof = proof or await self.proof(actor, csr)
        request = IssueCertificateRequest(hub=actor.name, csr_der=csr, proof=proof)
        made: Certificate = await self.certificates().IssueCertificate(request)
        return made

    async def renew(self, actor: HubActor, shown: Certificate | None, csr: bytes | None = None) -> Certificate:
        shown_hash = f"Hash={shown.fingerprint.hex()};" if shown else ""
        metadata = (("x-forwarded-client-cert", f"{shown_hash}URI=urn:uuid:{actor.id}"),)
        request = RenewCertificateRequest(hub=actor.name, csr_der=csr or hub_authority.request())
        made: Certificate = await self.certificates().RenewCertificate(request, metadata=metadata)
        return made

    async def revoke(self, name: str) -> Certificate:
        request = RevokeCertificateRequest(name=name, reason=LOST)
        made: Certificate = await self.certificates("operator").RevokeCertificate(request)
        return made

    async def revoke_all(self, actor: HubActor) -> Any:
        request = RevokeHubCertificatesRequest(hub=actor.name, reason=LOST)
        return await self.certificates("operator").RevokeHubCertificates(request)

    async def admission(self, actor: HubActor) -> Any:
        return await self.node.admissions().GetAdmission(GetAdmissionRequest(hub_id=actor.id.bytes))


@pytest_asyncio.fixture
async def world(
    monkeypatch: pytest.MonkeyPatch, certificates: Path, database: Database, tmp_path: Path
) -> AsyncIterator[World]:
    settings, root = hub_authority.write(tmp_path)
    # SENSITIVE calls are refused while Redis is away, and none runs here: nothing is counted instead.
    monkeypatch.setattr("fleet_svc.__main__.RateLimiter", lambda _redis, monotonic: nodes.unlimited(monotonic))
    async with nodes.running(monkeypatch, certificates, database.service_url, **settings) as node:
        yield World(node, root)


async def test_a_new_hub_proves_itself_and_becomes_active(world: World) -> None:
    actor, key = HubActor(), ec.generate_private_key(ec.SECP256R1())
    await world.node.create(actor)
    made = await world.issue(actor, hub_authority.request(key))
    leaf, authority = (x509.load_der_x509_certificate(each) for each in made.chain_der)
    leaf.verify_directly_issued_by(authority)
    authority.verify_directly_issued_by(world.root)
    assert leaf.public_key() == key.public_key()
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [each.value for each in names] == [f"urn:uuid:{actor.id}"]
    usage = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert not leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert made.name == f"{actor.name}/certificates/{leaf.serial_number:x}"
    assert made.fingerprint == leaf.fingerprint(hashes.SHA256())
    assert made.not_after_time.ToDatetime() == leaf.not_valid_after_utc.replace(tzinfo=None)
    assert made.not_before_time.seconds < made.renew_after_time.seconds < made.not_after_time.seconds
    assert made.state == Certificate.STATE_ACTIVE
    hub = await world.node.hubs().GetHub(GetHubRequest(name=actor.name))
    assert hub.state == Hub.STATE_ACTIVE


async def test_the_same_request_has_the_same_certificate(world: World, database: Database) -> None:
    actor, csr = HubActor(), hub_authority.request()
    await world.node.create(actor)
    first = await world.issue(actor, csr)
    assert await world.issue(actor, csr) == first
    assert await database.value("SELECT count(*) FROM fleet.certificate") == 1


async def test_every_wrong_proof_has_one_answer(world: World, database: Database) -> None:
    actor, other, csr = HubActor(), HubActor(), hub_authority.request()
    await world.node.create(actor)
    await world.node.create(other)
    good = await world.proof(actor, csr)
    old = sign(actor.identity, b"ora consent v1", good.statement)
    thief = sign(other.identity, CONTEXT, good.statement)
    stranger, foreign = HubActor(), await world.challenge(other)
    wrong = {
        "another key": world.issue(actor, csr, thief),
        "another context": world.issue(actor, csr, old),
        "another Hub's challenge": world.issue(actor, csr, await world.proof(actor, csr, challenge=foreign)),
        "an invented challenge": world.issue(actor, csr, await world.proof(actor, csr, challenge=bytes(48))),
        "another request": world.issue(actor, csr, await world.proof(actor, hub_authority.request())),
        "another Hub": world.issue(actor, csr, await world.proof(actor, csr, hub_id=other.id.bytes)),
        "no statement": world.issue(actor, csr, sign(actor.identity, CONTEXT, b"\xff")),
        "a Hub that nobody knows": world.issue(stranger, csr, await world.proof(stranger, csr)),
    }
    answers = {name: await refused(call) for name, call in wrong.items()}
    assert set(answers.values()) == {("PERMISSION_DENIED", "PROOF_INVALID")}
    assert await database.value("SELECT count(*) FROM fleet.certificate") == 0
    assert (await world.node.hubs().GetHub(GetHubRequest(name=actor.name))).state == Hub.STATE_PROVISIONED


async def test_only_a_request_for_a_p256_key_that_signs_itself_is_taken(world: World) -> None:
    actor = HubActor()
    await world.node.create(actor)
    good = hub_authority.request()
    broken = good[:-1] + bytes([good[-1] ^ 1])
    p384 = hub_authority.request(ec.generate_private_key(ec.SECP384R1()))
    rsa_key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([])
    rsa_request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(rsa_key, hashes.SHA256())
    for csr in (broken, p384, rsa_request.public_bytes(Encoding.DER), b"none", good + b"\x00"):
        assert await refused(world.issue(actor, csr)) == ("INVALID_ARGUMENT", "CSR_INVALID")


@pytest.mark.parametrize("end", ["suspend", "decommission"])
async def test_a_hub_out_of_service_gets_no_certificate(world: World, end: str) -> None:
    actor = HubActor()
    await world.node.enrol(actor)
    if end == "suspend":
        await world.node.hubs().SuspendHub(SuspendHubRequest(name=actor.name))
    else:
        await world.node.hubs().DecommissionHub(DecommissionHubRequest(name=actor.name))
    assert await refused(world.issue(actor)) == ("FAILED_PRECONDITION", "HUB_NOT_ACTIVE")


async def test_a_renewal_overlaps_with_what_it_follows(world: World) -> None:
    actor, csr = HubActor(), hub_authority.request()
    await world.node.create(actor)
    first = await world.issue(actor)
    second = await world.renew(actor, first, csr)
    assert second.name != first.name
    assert await world.renew(actor, first, csr) == second
    page = await world.certificates("operator").ListCertificates(ListCertificatesRequest(parent=actor.name))
    assert [each.name for each in page.certificates] == [second.name, first.name]
    assert {each.state for each in page.certificates} == {Certificate.STATE_ACTIVE}
    assert list((await world.admission(actor)).revoked_serials) == []


async def test_certificates_page_newest_first(world: World) -> None:
    actor = HubActor()
    await world.node.create(actor)
    made = [(await world.issue(actor)).name for _ in range(5)]
    seen: list[str] = []
    token = ""
    for _ in range(3):
        request = ListCertificatesRequest(parent=actor.name, page_size=2, page_token=token)
        page = await world.certificates("operator").ListCertificates(request)
        seen += [each.name for each in page.certificates]
        token = page.next_page_token
    assert (seen, token) == (made[::-1], "")


async def test_one_certificate_is_revoked_for_ever_and_the_relay_hears_it(world: World) -> None:
    actor = HubActor()
    await world.node.create(actor)
    first, second = await world.issue(actor), await world.issue(actor)
    watch = world.node.admissions().WatchAdmissions(WatchAdmissionsRequest())
    await watch.read()
    revoked = await world.revoke(first.name)
    assert (revoked.state, revoked.revocation_reason) == (Certificate.STATE_REVOKED, LOST)
    assert await world.revoke(first.name) == revoked
    serial = x509.load_der_x509_certificate(first.chain_der[0]).serial_number
    told = await watch.read()
    while not told.changed.revoked_serials:
        told = await watch.read()
    assert [int.from_bytes(each, "big") for each in told.changed.revoked_serials] == [serial]
    watch.cancel()
    assert await refused(world.renew(actor, first)) == ("PERMISSION_DENIED", "CERTIFICATE_REVOKED")
    await world.renew(actor, second)
    get = GetCertificateRequest(name=second.name)
    assert (await world.certificates("operator").GetCertificate(get)).state == Certificate.STATE_ACTIVE


async def test_all_certificates_of_a_hub_are_revoked_and_it_can_prove_itself_again(world: World) -> None:
    actor = HubActor()
    await world.node.create(actor)
    first = await world.issue(actor)
    await world.issue(actor)
    answer = await world.revoke_all(actor)
    assert answer.revoked_count == 2
    seen = await world.admission(actor)
    assert seen.certificates_not_before == answer.certificates_not_before_time
    assert list(seen.revoked_serials) == []
    for shown in (first, None):
        assert await refused(world.renew(actor, shown)) == ("PERMISSION_DENIED", "CERTIFICATE_REVOKED")
    again = await world.issue(actor)
    assert again.state == Certificate.STATE_ACTIVE
    assert again.not_before_time.ToNanoseconds() >= answer.certificates_not_before_time.ToNanoseconds()
    await world.renew(actor, again)


async def test_decommissioning_revokes_every_certificate(world: World) -> None:
    actor = HubActor()
    await world.node.create(actor)
    made = await world.issue(actor)
    await world.node.hubs().DecommissionHub(DecommissionHubRequest(name=actor.name))
    dead = await world.certificates("operator").GetCertificate(GetCertificateRequest(name=made.name))
    assert (dead.state, dead.revocation_reason) == (
        Certificate.STATE_REVOKED,
        certificate_pb2.REVOCATION_REASON_DECOMMISSIONED,
    )


async def test_a_hub_that_asks_without_end_is_refused_until_an_operator_looks(world: World) -> None:
    actor = HubActor()
    await world.node.create(actor)
    for _ in range(16):
        await world.issue(actor)
    assert await refused(world.issue(actor)) == ("RESOURCE_EXHAUSTED", "CERTIFICATE_QUOTA")
    await world.revoke_all(actor)
    await world.issue(actor)


async def test_an_unknown_certificate_is_not_found(world: World) -> None:
    actor = HubActor()
    await world.node.create(actor)
    assert await refused(world.revoke(f"{actor.name}/certificates/1f")) == ("NOT_FOUND", "CERTIFICATE_UNKNOWN")
    assert (await refused(world.revoke(f"{actor.name}/certificates/01f")))[0] == "INVALID_ARGUMENT"


async def test_a_node_without_an_authority_says_so(
    monkeypatch: pytest.MonkeyPatch, certificates: Path, database: Database, tmp_path: Path
) -> None:
    _, root = hub_authority.write(tmp_path)
    monkeypatch.setattr("fleet_svc.__main__.RateLimiter", lambda _redis, monotonic: nodes.unlimited(monotonic))
    async with nodes.running(monkeypatch, certificates, database.service_url) as node:
        actor, world = HubActor(), World(node, root)
        await node.create(actor)
        assert await refused(world.issue(actor)) == ("UNAVAILABLE", "AUTHORITY_UNAVAILABLE")
        assert (await node.hubs().GetHub(GetHubRequest(name=actor.name))).state == Hub.STATE_PROVISIONED
