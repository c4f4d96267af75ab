"""Certificates for one run: the edge, the mesh, Hubs. Made when asked for, never committed."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509

from devstack import authority as ca
from tests import certs

if TYPE_CHECKING:
    from collections.abc import Sequence

DAY = dt.timedelta(days=1)
CLIENT, SERVER = ca.CLIENT, ca.SERVER


@dataclass(frozen=True)
class Authority:
    """One CA."""

    authority: ca.Authority

    @classmethod
    def make(cls, name: str) -> Authority:
        return cls(ca.root(name, dt.datetime.now(dt.UTC)))

    def pem(self) -> bytes:
        return ca.pem(self.authority.chain)

    def revoke(self, certificates: Sequence[x509.Certificate]) -> bytes:
        """Return the complete list of what is revoked."""
        serials = [each.serial_number for each in certificates]
        return ca.revocations(self.authority, serials, dt.datetime.now(dt.UTC), DAY)

    def issue(
        self,
        folder: Path,
        names: Sequence[x509.GeneralName],
        usages: Sequence[x509.ObjectIdentifier] = (CLIENT, SERVER),
        lifetime: dt.timedelta = DAY,
    ) -> x509.Certificate:
        """Write ``tls.crt`` and ``tls.key`` into ``folder``; with a negative lifetime it has ended already."""
        begun = dt.datetime.now(dt.UTC) - 2 * DAY
        made = ca.leaf(self.authority, name="leaf", names=names, usages=usages, now=begun, life=2 * DAY + lifetime)
        certs.write(folder, made)
        return x509.load_pem_x509_certificates(made.chain)[0]


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
        edge.issue(folder / "edge", [*map(ca.dns, ("localhost", "api.ora.test")), ca.address("127.0.0.1")], (SERVER,))
        pki = cls(folder, mesh, hubs)
        for workload in workloads:
            pki.workload(folder / workload, workload)
        return pki

    def workload(self, folder: Path, name: str) -> None:
        self.mesh.issue(folder, [ca.uri(f"spiffe://ora/{name}"), ca.dns(name)])

    def hub(self, folder: Path, uri: str, **options: object) -> Path:
        self.hubs.issue(folder, [ca.uri(uri)], **({"usages": (CLIENT,)} | options))  # type: ignore[arg-type]
        return folder
