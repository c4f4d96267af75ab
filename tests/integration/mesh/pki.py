"""Makes a mesh CA and workload folders, at run time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from pathlib import Path


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


@dataclass(frozen=True)
class Ca:
    """One authority; folders it fills are what ``mesh.certs`` reads."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def make(cls, name: str = "mesh") -> Ca:
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(_name(name), _name(name), key.public_key())
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        return cls(key, builder.sign(key, hashes.SHA256()))

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    def issue(self, folder: Path, workload: str, *, uris: tuple[str, ...] | None = None) -> int:
        """Write ``{folder}/{workload}/tls.*`` and ``{folder}/mesh-ca.pem``; return the serial number."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = [x509.UniformResourceIdentifier(each) for each in uris or (f"spiffe://ora/{workload}",)]
        builder = _builder(_name(workload), self.certificate.subject, key.public_key())
        san = x509.SubjectAlternativeName([*names, x509.DNSName(workload)])
        leaf = builder.add_extension(san, critical=False).sign(self.key, hashes.SHA256())
        place = folder / workload
        place.mkdir(parents=True, exist_ok=True)
        (place / "tls.crt").write_bytes(leaf.public_bytes(Encoding.PEM))
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (place / "tls.key").write_bytes(pem)
        (folder / "mesh-ca.pem").write_bytes(self.pem)
        return leaf.serial_number


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=1))
    )
