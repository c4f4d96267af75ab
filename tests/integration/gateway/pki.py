"""Certificates for one run: the edge, the mesh, Hubs. Made when asked for, never committed."""

from __future__ import annotations

import datetime as dt
import ipaddress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from collections.abc import Sequence

DAY = dt.timedelta(days=1)
CLIENT, SERVER = ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


@dataclass(frozen=True)
class Authority:
    """One CA."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def make(cls, name: str) -> Authority:
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(name, name, key.public_key(), DAY).add_extension(x509.BasicConstraints(True, 0), True)
        return cls(key, builder.sign(key, hashes.SHA256()))

    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def revoke(self, certificates: Sequence[x509.Certificate]) -> bytes:
        """Return the complete list of what is revoked."""
        now = dt.datetime.now(dt.UTC)
        builder = x509.CertificateRevocationListBuilder().issuer_name(self.certificate.subject)
        builder = builder.last_update(now - DAY).next_update(now + DAY)
        for each in certificates:
            entry = x509.RevokedCertificateBuilder().serial_number(each.serial_number).revocation_date(now)
            builder = builder.add_revoked_certificate(entry.build())
        return builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def issue(
        self,
        folder: Path,
        names: Sequence[x509.GeneralName],
        usages: Sequence[x509.ObjectIdentifier] = (CLIENT, SERVER),
        lifetime: dt.timedelta = DAY,
    ) -> x509.Certificate:
        """Write ``tls.crt`` and ``tls.key`` into ``folder``."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = self.certificate.subject.rfc4514_string().removeprefix("CN=")
        builder = (
            _builder("leaf", subject, key.public_key(), lifetime)
            .add_extension(x509.BasicConstraints(False, None), True)
            .add_extension(x509.SubjectAlternativeName(names), False)
            .add_extension(x509.ExtendedKeyUsage(usages), False)
        )
        certificate = builder.sign(self.key, hashes.SHA256())
        folder.mkdir(parents=True, exist_ok=True)
        folder.joinpath("tls.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        folder.joinpath("tls.key").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return certificate


def _builder(
    subject: str, issuer: str, key: ec.EllipticCurvePublicKey, lifetime: dt.timedelta
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 2 * DAY)
        .not_valid_after(now + lifetime)
    )


@dataclass(frozen=True)
class Pki:
    """Everything below the certificate folder of a stack."""

    folder: Path
    mesh: Authority
    hubs: Authority

    @classmethod
    def make(cls, folder: Path, workloads: Sequence[str]) -> Pki:
        edge, mesh, hubs = (Authority.make(name) for name in ("edge", "mesh", "hubs"))
        folder.mkdir(parents=True, exist_ok=True)
        for name, authority in (("edge", edge), ("mesh", mesh), ("hub", hubs)):
            folder.joinpath(f"{name}-ca.pem").write_bytes(authority.pem())
        local = [x509.DNSName("localhost"), x509.DNSName("api.ora.test")]
        edge.issue(folder / "edge", [*local, x509.IPAddress(ipaddress.ip_address("127.0.0.1"))], (SERVER,))
        pki = cls(folder, mesh, hubs)
        for workload in workloads:
            pki.workload(folder / workload, workload)
        return pki

    def workload(self, folder: Path, name: str) -> None:
        uri = x509.UniformResourceIdentifier(f"spiffe://ora/{name}")
        self.mesh.issue(folder, [uri, x509.DNSName(name)])

    def hub(self, folder: Path, uri: str, **options: object) -> Path:
        self.hubs.issue(folder, [x509.UniformResourceIdentifier(uri)], **({"usages": (CLIENT,)} | options))  # type: ignore[arg-type]
        return folder
