"""Owns the X.509 of Hubs' certificates, signed by any key that speaks as ``cryptography``'s do; a file or an HSM."""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING
from uuid import UUID

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

    from fleet_svc.authority import Revoked, Template

_LEAF = x509.KeyUsage(
    digital_signature=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=False,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)


class X509Authority:
    """An intermediate: its certificates and its key."""

    def __init__(
        self, chain: list[x509.Certificate], key: ec.EllipticCurvePrivateKey, *, sent: tuple[bytes, ...] = ()
    ) -> None:
        own = chain[0]
        constraints = own.extensions.get_extension_for_class(x509.BasicConstraints).value
        if not constraints.ca:
            raise ValueError("the first certificate of the chain is no authority")
        if own.public_key() != key.public_key():
            raise ValueError("the key does not belong to the authority's certificate")
        self._own, self._key = own, key
        # A root is in the trust bundle and is not sent.
        self.intermediates_der = sent or tuple(
            each.public_bytes(Encoding.DER) for each in chain if each.subject != each.issuer
        )
        self.ends: datetime = own.not_valid_after_utc
        self.id = id_of(key.public_key())
        self.chain = tuple(chain)
        self._identifier = _identifier(own, key.public_key())

    async def certify(self, template: Template) -> bytes:
        """Return the certificate in DER. Signing may be a call to a device, so it leaves the loop free."""
        return await asyncio.to_thread(self._certify, template)

    async def revocations(self, revoked: Sequence[Revoked], *, number: int, now: datetime, until: datetime) -> bytes:
        """Return a complete revocation list (RFC 5280) in DER."""
        return await asyncio.to_thread(self._list, revoked, number, now, until)

    def _list(self, revoked: Sequence[Revoked], number: int, now: datetime, until: datetime) -> bytes:
        builder = (
            x509.CertificateRevocationListBuilder(
                revoked_certificates=[
                    x509.RevokedCertificateBuilder(each.serial, each.time.replace(tzinfo=None)).build()
                    for each in revoked
                ]
            )
            .issuer_name(self._own.subject)
            .last_update(now)
            .next_update(until)
            .add_extension(x509.CRLNumber(number), critical=False)
            .add_extension(self._identifier, critical=False)
        )
        return builder.sign(self._key, hashes.SHA256()).public_bytes(Encoding.DER)

    def _certify(self, template: Template) -> bytes:
        san = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(f"urn:uuid:{template.hub_id}")])
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
        subject_key = x509.SubjectKeyIdentifier.from_public_key(template.public_key)
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, str(template.hub_id))]))
            .issuer_name(self._own.subject)
            .public_key(template.public_key)
            .serial_number(template.serial)
            .not_valid_before(template.validity.not_before)
            .not_valid_after(template.validity.not_after)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_LEAF, critical=True)
            .add_extension(usage, critical=False)
            .add_extension(san, critical=False)
            .add_extension(subject_key, critical=False)
            .add_extension(self._identifier, critical=False)
        )
        return builder.sign(self._key, hashes.SHA256()).public_bytes(Encoding.DER)


def from_files(chain: Path, key: Path) -> X509Authority:
    """Return the authority whose key lies in a file: for one machine, never for production."""
    loaded = load_pem_private_key(key.read_bytes(), None)
    if not isinstance(loaded, ec.EllipticCurvePrivateKey):
        raise TypeError("the authority's key is no elliptic curve key")
    return X509Authority(x509.load_pem_x509_certificates(chain.read_bytes()), loaded)


def _identifier(own: x509.Certificate, key: ec.EllipticCurvePublicKey) -> x509.AuthorityKeyIdentifier:
    """Return how certificates of this authority name its key: as its own certificate does."""
    try:
        said = own.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    except x509.ExtensionNotFound:
        return x509.AuthorityKeyIdentifier.from_issuer_public_key(key)
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(said)


def id_of(key: CertificatePublicKeyTypes) -> UUID:
    """Return a UUID (version 8) made of the key's digest."""
    digest = hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()
    value = int.from_bytes(digest[:16], "big")
    value = value & ~(0xF << 76) | 0x8 << 76
    return UUID(int=value & ~(0x3 << 62) | 0x2 << 62)
