"""Certificates for tests, made at run time: the folder that every component reads, and Hubs good and bad."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.x509.oid import ExtendedKeyUsageOID

from devstack import authority as ca

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography import x509

LIFE = timedelta(days=1)
CLIENT = (ExtendedKeyUsageOID.CLIENT_AUTH,)
BOTH = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH)


@dataclass
class Folder:
    """``{certs}`` as the components see it, and the authorities behind it."""

    path: Path
    mesh: ca.Authority = field(default_factory=lambda: ca.root("mesh", datetime.now(UTC)))
    edge: ca.Authority = field(default_factory=lambda: ca.root("edge", datetime.now(UTC)))
    hubs: ca.Authority = field(default_factory=lambda: ca.root("hubs", datetime.now(UTC)))

    def __post_init__(self) -> None:
        for name in ("mesh", "edge"):
            (self.path / f"{name}-ca.pem").write_bytes(ca.pem(getattr(self, name).chain))
        (self.path / "hub-ca.pem").write_bytes(ca.pem(self.hubs.chain))
        names = [ca.dns("localhost"), ca.address("127.0.0.1")]
        self._write("edge", ca.leaf(self.edge, name="edge", names=names, usages=BOTH, now=datetime.now(UTC), life=LIFE))

    def workload(self, name: str) -> None:
        """Make the folder of a workload."""
        names = [ca.uri(f"spiffe://ora/{name}"), ca.dns(name)]
        self._write(name, ca.leaf(self.mesh, name=name, names=names, usages=BOTH, now=datetime.now(UTC), life=LIFE))

    def hub(self, hub: str) -> Path:
        """Make a Hub's good certificate; return the folder with ``tls.crt`` and ``tls.key``."""
        return self.client(hub, names=[ca.uri(f"urn:uuid:{hub}")])

    def client(
        self,
        folder: str,
        *,
        names: Sequence[x509.GeneralName],
        usages: Sequence[x509.ObjectIdentifier] = CLIENT,
        authority: ca.Authority | None = None,
        now: datetime | None = None,
        life: timedelta = LIFE,
    ) -> Path:
        """Make any certificate."""
        made = ca.leaf(
            authority or self.hubs, name=folder, names=names, usages=usages, now=now or datetime.now(UTC), life=life
        )
        return self._write(folder, made)

    def revoke(self, *serials: int) -> None:
        """Write the revocation list."""
        (self.path / "hub-crl.pem").write_bytes(ca.revocations(self.hubs, serials, datetime.now(UTC), LIFE))

    def _write(self, name: str, leaf: ca.Leaf) -> Path:
        return write(self.path / name, leaf)


def write(folder: Path, leaf: ca.Leaf) -> Path:
    """Write a certificate and its key as everybody reads them; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tls.crt").write_bytes(leaf.chain)
    (folder / "tls.key").write_bytes(leaf.key)
    return folder


def client_context(folder: Path, authorities: Path) -> ssl.SSLContext:
    """Return the TLS settings of a client that shows the certificate in ``folder``."""
    context = ssl.create_default_context(cafile=authorities)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(folder / "tls.crt", folder / "tls.key")
    return context
