"""Offline roots: people with keys on paper, who sign what an intermediate asks for, well or badly."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

SIGNS = x509.KeyUsage(
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


class Root:
    """One root."""

    def __init__(self, name: str) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.certificate = self._sign(self.name, self.key.public_key(), path_length=1)

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    def sign(self, csr_der: bytes, *, path_length: int | None = 0, days: int = 3650, usage: bool = True) -> bytes:
        """Certify what a request asks for."""
        asked = x509.load_der_x509_csr(csr_der)
        key = asked.public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey)
        made = self._sign(asked.subject, key, path_length=path_length, days=days, usage=usage)
        return made.public_bytes(Encoding.DER)

    def _sign(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePublicKey,
        *,
        path_length: int | None,
        days: int = 3650,
        usage: bool = True,
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=30))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
        )
        if usage:
            builder = builder.add_extension(SIGNS, critical=True)
        return builder.sign(self.key, hashes.SHA256())


def pem(certificates: Iterable[bytes]) -> bytes:
    return b"".join(x509.load_der_x509_certificate(each).public_bytes(Encoding.PEM) for each in certificates)


def hub_context(folder: Path, key: ec.EllipticCurvePrivateKey, chain_der: Iterable[bytes]) -> ssl.SSLContext:
    """Return what a Hub shows to a server that it believes without looking."""
    files = folder / "hub.crt", folder / "hub.key"
    files[0].write_bytes(pem(chain_der))
    files[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.load_cert_chain(*files)
    return context


def is_taken(server: ssl.SSLContext, client: ssl.SSLContext) -> bool:
    """Say whether the server takes the client's certificate."""
    inward, outward = ssl.MemoryBIO(), ssl.MemoryBIO()
    there = server.wrap_bio(inward, outward, server_side=True)
    here = client.wrap_bio(outward, inward)
    for _ in range(4):
        for side in (here, there):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLError:
                return False
    return there.getpeercert(binary_form=True) is not None
