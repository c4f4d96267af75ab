"""Owns certificate authorities as such: keys, roots, intermediates, leaves. Knows no file and no component."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from collections.abc import Sequence

AUTHORITY_LIFE: Final = timedelta(days=3 * 365)
# A clock that is a little behind must not refuse what was just made.
_BACKDATED: Final = timedelta(minutes=5)

PublicKey = ec.EllipticCurvePublicKey
SERVER: Final = ExtendedKeyUsageOID.SERVER_AUTH
CLIENT: Final = ExtendedKeyUsageOID.CLIENT_AUTH


@dataclass(frozen=True, slots=True, repr=False)
class Authority:
    """A certificate that signs others, its key, and the chain above it, root last."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    above: tuple[x509.Certificate, ...] = ()

    def __repr__(self) -> str:
        return f"Authority({self.certificate.subject.rfc4514_string()})"

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        """This certificate and those above it."""
        return (self.certificate, *self.above)


@dataclass(frozen=True, slots=True, repr=False)
class Leaf:
    """What one party presents: PEM of the chain without the root, and PEM of the key."""

    chain: bytes
    key: bytes


def new_key() -> ec.EllipticCurvePrivateKey:
    """Make a P-256 key."""
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return the key as PKCS #8."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def pem(certificates: Sequence[x509.Certificate]) -> bytes:
    """Return certificates as one PEM text."""
    return b"".join(each.public_bytes(Encoding.PEM) for each in certificates)


def root(name: str, now: datetime) -> Authority:
    """Make an authority that signs itself."""
    key = new_key()
    made = _authority(name, key.public_key(), now)
    return Authority(made.issuer_name(_subject(name)).sign(key, hashes.SHA256()), key)


def intermediate(name: str, parent: Authority, now: datetime) -> Authority:
    """Make an authority below another, which may sign leaves alone."""
    key = new_key()
    made = _authority(name, key.public_key(), now, path_length=0).issuer_name(parent.certificate.subject)
    made = made.add_extension(_key_identifier(parent), critical=False)
    return Authority(made.sign(parent.key, hashes.SHA256()), key, parent.chain)


def leaf(
    authority: Authority,
    *,
    name: str,
    names: Sequence[x509.GeneralName],
    usages: Sequence[x509.ObjectIdentifier],
    now: datetime,
    life: timedelta,
) -> Leaf:
    """Make a leaf with a new key."""
    key = new_key()
    chain = certify(authority, key.public_key(), name=name, names=names, usages=usages, now=now, life=life)
    return Leaf(chain, key_pem(key))


def certify(
    authority: Authority,
    public: PublicKey,
    *,
    name: str,
    names: Sequence[x509.GeneralName],
    usages: Sequence[x509.ObjectIdentifier],
    now: datetime,
    life: timedelta,
) -> bytes:
    """Sign a leaf for somebody's key; return the PEM chain without the root."""
    made = (
        _builder(name, public, now, min(now + life, authority.certificate.not_valid_after_utc))
        .issuer_name(authority.certificate.subject)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(_key_identifier(authority), critical=False)
        .sign(authority.key, hashes.SHA256())
    )
    return pem([made, *(each for each in authority.chain if each.issuer != each.subject)])


def revocations(authority: Authority, serials: Sequence[int], now: datetime, life: timedelta) -> bytes:
    """Return a complete revocation list as PEM."""
    made = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.certificate.subject)
        .last_update(now - _BACKDATED)
        .next_update(now + life)
        .add_extension(x509.CRLNumber(int(now.timestamp())), critical=False)
        .add_extension(_key_identifier(authority), critical=False)
    )
    for serial in serials:
        revoked = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now).build()
        made = made.add_revoked_certificate(revoked)
    return made.sign(authority.key, hashes.SHA256()).public_bytes(Encoding.PEM)


def load(certificate: bytes, key: bytes) -> Authority:
    """Read an authority: PEM of its chain, PEM of its key."""
    own, *above = x509.load_pem_x509_certificates(certificate)
    loaded = load_pem_private_key(key, None)
    if not isinstance(loaded, ec.EllipticCurvePrivateKey) or loaded.public_key() != own.public_key():
        raise ValueError("the key does not belong to the certificate")
    return Authority(own, loaded, tuple(above))


def uri(text: str) -> x509.GeneralName:
    """Return a URI as an alternative name."""
    return x509.UniformResourceIdentifier(text)


def dns(text: str) -> x509.GeneralName:
    """Return a DNS name as an alternative name."""
    return x509.DNSName(text)


def address(text: str) -> x509.GeneralName:
    """Return an IP address as an alternative name."""
    return x509.IPAddress(ipaddress.ip_address(text))


def _subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _builder(name: str, public: PublicKey, now: datetime, until: datetime) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(_subject(name))
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(until)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _authority(name: str, public: PublicKey, now: datetime, path_length: int | None = None) -> x509.CertificateBuilder:
    return (
        _builder(name, public, now, now + AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _key_identifier(authority: Authority) -> x509.AuthorityKeyIdentifier:
    own = authority.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own)
