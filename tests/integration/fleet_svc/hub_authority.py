"""A root and an intermediate for Hubs, made at run time, and certificate requests."""

from __future__ import annotations

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


def write(folder: Path) -> tuple[dict[str, str], x509.Certificate]:
    """Write chain and key; return the settings that name them, and the root."""
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root = _authority("Hub root", "Hub root", root_key.public_key(), 1).sign(root_key, hashes.SHA256())
    own = _authority("Hub authority", "Hub root", key.public_key(), 0).sign(root_key, hashes.SHA256())
    chain, path = folder / "chain.pem", folder / "key.pem"
    chain.write_bytes(own.public_bytes(Encoding.PEM) + root.public_bytes(Encoding.PEM))
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return {"ORA_FLEET_AUTHORITY_CHAIN": str(chain), "ORA_FLEET_AUTHORITY_KEY": str(path)}, root


def request(key: ec.EllipticCurvePrivateKey | None = None, *, named: str = "somebody else") -> bytes:
    """Return a certificate request of a new key."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(_name(named))
    return builder.sign(key or ec.generate_private_key(ec.SECP256R1()), hashes.SHA256()).public_bytes(Encoding.DER)


def _authority(subject: str, issuer: str, key: ec.EllipticCurvePublicKey, path_length: int) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=3650))
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
    )
