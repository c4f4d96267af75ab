"""Owns the reading and checking of authorities' own certificates and requests; decides no life cycle, keeps no key."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from fleet_svc.authority.x509_authority import id_of
from fleet_svc.domain.certificate_authority import Installed
from mesh.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime
    from uuid import UUID


class Asked(NamedTuple):
    """A new authority: its id, and what the root is asked to sign."""

    authority_id: UUID
    csr_der: bytes


def request(key: ec.EllipticCurvePrivateKey) -> Asked:
    """Return the request of an intermediate whose key this is; its name is as new as its key."""
    authority_id = id_of(key.public_key())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Ora Hub authority {authority_id}")])
    builder = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(name)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_signing_usage(), critical=True)
    )
    return Asked(authority_id, builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER))


def read_root(certificate_der: bytes, *, now: datetime) -> tuple[UUID, Installed]:
    """Return a root's id and certificate, or refuse what is none."""
    root = _read(certificate_der, field="root_certificate_der")
    if root.issuer != root.subject or not issued_by(root, root):
        raise _refused("root_certificate_der", "a root signs itself")
    _require_authority(root, field="root_certificate_der", now=now)
    return id_of(_key(root)), _installed(root, ())


def read_intermediate(
    certificate_der: bytes, cross_der: Sequence[bytes], *, csr_der: bytes, roots: Iterable[bytes], now: datetime
) -> Installed:
    """Return an intermediate's certificates, if roots of ours signed the key and the name that it asked for."""
    asked, known = x509.load_der_x509_csr(csr_der), [x509.load_der_x509_certificate(each) for each in roots]
    own = _read(certificate_der, field="certificate_der")
    crossed = [_read(each, field="cross_certificates_der") for each in cross_der]
    issuers = set()
    for each, field in ((own, "certificate_der"), *((other, "cross_certificates_der") for other in crossed)):
        if each.public_key() != asked.public_key() or each.subject != asked.subject:
            raise _refused(field, "it is of another key or name than the request")
        _require_authority(each, field=field, now=now)
        root = next((root for root in known if issued_by(each, root)), None)
        if root is None:
            raise _refused(field, "no root that is registered signed it")
        issuers.add(root)
    if len(issuers) != 1 + len(crossed):
        raise _refused("cross_certificates_der", "each is of another root")
    return _installed(own, tuple(cross_der))


def issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Say whether one certificate signed another."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def rests_on(installed: Installed, anchors: Iterable[bytes]) -> bool:
    """Say whether one of the anchors is, or signed, what is installed."""
    own = [installed.certificate_der, *installed.cross_certificates_der]
    trusted = [x509.load_der_x509_certificate(each) for each in anchors]
    return any(issued_by(x509.load_der_x509_certificate(each), anchor) for each in own for anchor in trusted)


def _read(der: bytes, *, field: str) -> x509.Certificate:
    try:
        found = x509.load_der_x509_certificate(der)
        found.extensions.get_extension_for_class(x509.BasicConstraints)
        found.public_key()
    except (ValueError, x509.ExtensionNotFound, UnsupportedAlgorithm):
        raise _refused(field, "no certificate of an authority") from None
    return found


def _require_authority(certificate: x509.Certificate, *, field: str, now: datetime) -> None:
    """Refuse what a relay or the gateway would not take in a chain (RFC 5280, strictly)."""
    try:
        basic = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage)
        certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    except x509.ExtensionNotFound:
        raise _refused(field, "basic constraints, key usage and subject key identifier are needed") from None
    if not (basic.critical and basic.value.ca and usage.value.key_cert_sign and usage.value.crl_sign):
        raise _refused(field, "it may not sign certificates and revocation lists")
    if certificate.issuer != certificate.subject and basic.value.path_length != 0:
        raise _refused(field, "an intermediate signs leaves alone")
    if not certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc:
        raise _refused(field, "it does not hold now")
    _key(certificate)


def _key(certificate: x509.Certificate) -> ec.EllipticCurvePublicKey:
    key = certificate.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise _refused("certificate_der", "its key is no elliptic curve key")
    return key


def _installed(own: x509.Certificate, cross_der: tuple[bytes, ...]) -> Installed:
    return Installed(
        certificate_der=own.public_bytes(Encoding.DER),
        cross_certificates_der=cross_der,
        not_before=own.not_valid_before_utc,
        not_after=own.not_valid_after_utc,
    )


def _signing_usage() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )


def _refused(field: str, why: str) -> InvalidArgumentError:
    return InvalidArgumentError.field(field, why, reason="AUTHORITY_CERTIFICATE_INVALID")
