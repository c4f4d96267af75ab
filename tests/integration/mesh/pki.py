"""Makes a mesh CA and workload folders, at run time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cryptography import x509

from devstack import authority as ca
from tests import certs

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Ca:
    """One authority; folders it fills are what ``mesh.certs`` reads."""

    authority: ca.Authority

    @classmethod
    def make(cls, name: str = "mesh") -> Ca:
        return cls(ca.root(name, datetime.now(UTC)))

    @property
    def pem(self) -> bytes:
        return ca.pem(self.authority.chain)

    def issue(self, folder: Path, workload: str, *, uris: tuple[str, ...] | None = None) -> int:
        """Write ``{folder}/{workload}/tls.*`` and ``{folder}/mesh-ca.pem``; return the serial number."""
        names = [*map(ca.uri, uris or (f"spiffe://ora/{workload}",)), ca.dns(workload)]
        made = ca.leaf(
            self.authority, name=workload, names=names, usages=certs.BOTH, now=datetime.now(UTC), life=certs.LIFE
        )
        certs.write(folder / workload, made)
        (folder / "mesh-ca.pem").write_bytes(self.pem)
        return x509.load_pem_x509_certificates(made.chain)[0].serial_number
