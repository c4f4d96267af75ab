"""A root and an intermediate for Hubs, made at run time, and certificate requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tests.integration.fleet_svc.hub_roots import Root, pem

if TYPE_CHECKING:
    from pathlib import Path


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def write(folder: Path) -> tuple[dict[str, str], x509.Certificate]:
    """Write chain and key; return the settings that name them, and the root."""
    root, key = Root("Hub root"), ec.generate_private_key(ec.SECP256R1())
    own = root.sign(request(key, named="Hub authority"))
    chain, path = folder / "chain.pem", folder / "key.pem"
    chain.write_bytes(pem([own, root.der]))
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return {"ORA_FLEET_AUTHORITY_CHAIN": str(chain), "ORA_FLEET_AUTHORITY_KEY": str(path)}, root.certificate


def request(key: ec.EllipticCurvePrivateKey | None = None, *, named: str = "somebody else") -> bytes:
    """Return a certificate request of a new key."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(_name(named))
    return builder.sign(key or ec.generate_private_key(ec.SECP256R1()), hashes.SHA256()).public_bytes(Encoding.DER)
