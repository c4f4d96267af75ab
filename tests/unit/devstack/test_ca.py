from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import PolicyBuilder, Store

from devstack.ca import WORKLOADS, DevelopmentCa
from devstack.home import Home

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
HUB = "0197a3c4-5b6d-7e8f-9012-3456789abcde"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "state")
    made.make()
    return made


def request_of(key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> bytes:
    algorithm = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    other = x509.UniformResourceIdentifier("urn:uuid:ffffffff-ffff-ffff-ffff-ffffffffffff")
    asked = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    asked = asked.add_extension(x509.SubjectAlternativeName([other]), critical=False)
    return asked.sign(key, algorithm).public_bytes(serialization.Encoding.PEM)


def chain(path: Path) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates(path.read_bytes())


def test_every_workload_gets_its_spiffe_id_and_its_name(home: Home) -> None:
    DevelopmentCa(home, lambda: NOW).renew()
    for workload in WORKLOADS:
        leaf = chain(home.certificates / workload / "tls.crt")[0]
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert names.get_values_for_type(x509.UniformResourceIdentifier) == [f"spiffe://ora/{workload}"]
        assert names.get_values_for_type(x509.DNSName) == [workload]
        assert (home.certificates / workload / "tls.key").stat().st_mode & 0o777 == 0o600


def test_a_client_believes_the_edge_for_its_own_names_alone(home: Home) -> None:
    DevelopmentCa(home, lambda: NOW).renew()
    leaf, *rest = chain(home.certificates / "edge" / "tls.crt")
    policy = PolicyBuilder().store(Store(chain(home.certificates / "edge-ca.pem"))).time(NOW)
    policy.build_server_verifier(x509.DNSName("api.ora.test")).verify(leaf, rest)
    with pytest.raises(x509.verification.VerificationError):
        policy.build_server_verifier(x509.DNSName("api.example.org")).verify(leaf, rest)


def test_a_hub_certificate_takes_the_id_from_the_enrolment_and_only_the_key_from_the_request(home: Home) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    signed = DevelopmentCa(home, lambda: NOW).sign_hub_request(HUB, request_of(key))
    leaf, intermediate = x509.load_pem_x509_certificates(signed)
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    usage = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == [f"urn:uuid:{HUB}"]
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert leaf.public_key() == key.public_key()
    leaf.verify_directly_issued_by(intermediate)


def test_a_request_by_another_kind_of_key_is_refused(home: Home) -> None:
    with pytest.raises(ValueError, match="P-256"):
        DevelopmentCa(home).sign_hub_request(HUB, request_of(ed25519.Ed25519PrivateKey.generate()))


def test_what_is_good_for_long_is_kept_and_what_ends_soon_is_replaced(home: Home) -> None:
    DevelopmentCa(home, lambda: NOW).renew()
    before = (home.certificates / "relay" / "tls.crt").read_bytes()
    assert DevelopmentCa(home, lambda: NOW + timedelta(days=15)).renew() == []
    assert (home.certificates / "relay" / "tls.crt").read_bytes() == before
    assert "relay" in DevelopmentCa(home, lambda: NOW + timedelta(days=21)).renew()
    assert (home.certificates / "relay" / "tls.crt").read_bytes() != before
    assert len(list(home.certificates.glob(".relay.*"))) == 1


DAMAGE: dict[str, Callable[[Home], object]] = {
    "another file": lambda home: (home.certificates / "fleet" / "tls.crt").write_text("not a certificate"),
    "no certificate": lambda home: (home.certificates / "fleet" / "tls.crt").unlink(),
    "no key": lambda home: (home.certificates / "fleet" / "tls.key").unlink(),
    "no folder": lambda home: (home.certificates / "fleet").unlink(),
    "another key": lambda home: shutil.copy(home.certificates / "relay" / "tls.key", home.certificates / "fleet"),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_leaf_is_replaced(home: Home, damage: Callable[[Home], object]) -> None:
    DevelopmentCa(home, lambda: NOW).renew()
    damage(home)
    assert DevelopmentCa(home, lambda: NOW).renew() == ["fleet"]


def test_revoked_hubs_stay_on_the_list_when_it_is_renewed(home: Home) -> None:
    authority = DevelopmentCa(home, lambda: NOW)
    authority.renew()
    revoked = authority.sign_hub_request(HUB, request_of(ec.generate_private_key(ec.SECP256R1())))
    other = authority.sign_hub_request(HUB[:-1] + "f", request_of(ec.generate_private_key(ec.SECP256R1())))
    authority.revoke_hub(HUB)
    (home.certificates / "hub-crl.pem").write_text("damaged")
    DevelopmentCa(home, lambda: NOW + timedelta(days=25)).renew()
    listed = x509.load_pem_x509_crl((home.certificates / "hub-crl.pem").read_bytes())
    serial = x509.load_pem_x509_certificates(revoked)[0].serial_number
    assert [each.serial_number for each in listed] == [serial]
    assert x509.load_pem_x509_certificates(other)[0].serial_number != serial
    assert listed.next_update_utc == NOW + timedelta(days=25 + 30)
