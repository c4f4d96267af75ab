"""Owns the development CA: three authorities and what they signed, as files. Knows no running component.

`ca/` holds the authorities' keys. `certs/` is what components read: `{workload}/tls.crt|key` and `mesh-ca.pem` for the
mesh, `edge/` and `edge-ca.pem` for the public doors, `hub-ca.pem` and `hub-crl.pem` to know Hubs by. A folder with a
leaf is replaced as a whole, by one rename of a link, so that nobody reads a key beside another key's certificate.
`ca/issued/{hub}` has the serial numbers of what a Hub got here, wherever it keeps its certificate, `ca/revoked` those
that are on the list.
"""

from __future__ import annotations

import os
import secrets
import shutil
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from cryptography import x509

from devstack import authority as ca
from devstack import leaves
from devstack.home import write_private

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from devstack.home import Home

WORKLOADS: Final = ("gateway", "relay", "fleet", "portal", "ingest", "backup", "operator", "bridge")
EDGE_NAMES: Final = ("localhost", "api.ora.test", "mqtt.ora.test")
EDGE_ADDRESSES: Final = ("127.0.0.1", "::1")
LEAF_LIFE: Final = timedelta(days=30)
HUB_LIFE: Final = timedelta(days=30)
_RENEW_BEFORE: Final = timedelta(days=10)
_CRL_LIFE: Final = timedelta(days=30)


class DevelopmentCa:
    """The authorities of one stack."""

    def __init__(self, home: Home, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._home, self._now = home, now
        self._mesh = self._kept("mesh", lambda: ca.root("Ora development mesh CA", now()))
        self._edge = self._kept("edge", lambda: ca.root("Ora development edge CA", now()))
        root = self._kept("hub-root", lambda: ca.root("Ora development Hub root CA", now()))
        self._hub = self._kept("hub", lambda: ca.intermediate("Ora development Hub CA", root, now()))

    def renew(self) -> list[str]:
        """Write what is missing or ends soon; return the names of what was written."""
        certificates = self._home.certificates
        _replace(certificates / "mesh-ca.pem", ca.pem(self._mesh.chain))
        _replace(certificates / "edge-ca.pem", ca.pem(self._edge.chain))
        _replace(certificates / "hub-ca.pem", ca.pem(self._hub.chain))
        written = [
            each for each in WORKLOADS if self._leaf(each, self._mesh, _mesh_names(each), (ca.SERVER, ca.CLIENT))
        ]
        names = [*map(ca.dns, EDGE_NAMES), *map(ca.address, EDGE_ADDRESSES)]
        if self._leaf("edge", self._edge, names, (ca.SERVER,)):
            written.append("edge")
        if self._crl_ends_soon():
            self._write_crl(self._revoked())
            written.append("hub-crl")
        return written

    def sign_hub_request(self, hub_id: str, request: bytes) -> bytes:
        """Issue the operational certificate of a Hub for its PKCS #10 request; return the PEM chain.

        The id comes from whoever enrols the Hub and not from the request, of which only the key is taken.

        Raises:
            ValueError: no request, not signed by its own key, or no P-256 key.
        """
        asked = x509.load_pem_x509_csr(request)
        public = asked.public_key()
        if not asked.is_signature_valid or not isinstance(public, ca.PublicKey):
            raise ValueError("the request is not signed by its own P-256 key")
        chain = ca.certify(
            self._hub,
            public,
            name=hub_id,
            names=[ca.uri(f"urn:uuid:{hub_id}")],
            usages=(ca.CLIENT,),
            now=self._now(),
            life=HUB_LIFE,
        )
        serial = x509.load_pem_x509_certificates(chain)[0].serial_number
        with self._issued(hub_id).open("a") as file:
            file.write(f"{serial:x}\n")
        return chain

    def revoke_hub(self, hub_id: str, serials: Iterable[int] = ()) -> None:
        """Put on the revocation list what a Hub got here, and ``serials``, which others signed in our name."""
        issued = self._issued(hub_id)
        own = [int(line, 16) for line in issued.read_text().split()] if issued.exists() else []
        self._write_crl(sorted({*self._revoked(), *own, *serials}))

    def _issued(self, hub_id: str) -> Path:
        folder = self._home.authorities / "issued"
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder / hub_id

    def _kept(self, name: str, make: Callable[[], ca.Authority]) -> ca.Authority:
        certificate, key = self._home.authorities / f"{name}.crt", self._home.authorities / f"{name}.key"
        if certificate.exists() and key.exists():
            return ca.load(certificate.read_bytes(), key.read_bytes())
        made = make()
        write_private(key, ca.key_pem(made.key).decode())
        write_private(certificate, ca.pem(made.chain).decode())
        return made

    def _leaf(
        self,
        name: str,
        authority: ca.Authority,
        names: list[x509.GeneralName],
        usages: tuple[x509.ObjectIdentifier, ...],
    ) -> bool:
        folder = self._home.certificates / name
        try:
            leaves.check_leaf(folder, authority.certificate, self._now(), _RENEW_BEFORE)
        except leaves.FaultError:
            pass  # whatever is wrong with it, a new one is the answer
        else:
            return False
        made = ca.leaf(authority, name=name, names=names, usages=usages, now=self._now(), life=LEAF_LIFE)
        _swap(folder, {"tls.crt": made.chain, "tls.key": made.key})
        return True

    def _revoked(self) -> list[int]:
        path = self._home.authorities / "revoked"
        return [int(line, 16) for line in path.read_text().split()] if path.exists() else []

    def _crl_ends_soon(self) -> bool:
        try:
            leaves.check_list(self._home.certificates / "hub-crl.pem", self._now(), _RENEW_BEFORE)
        except leaves.FaultError:
            return True
        return False

    def _write_crl(self, serials: list[int]) -> None:
        write_private(self._home.authorities / "revoked", "".join(f"{each:x}\n" for each in serials))
        _replace(self._home.certificates / "hub-crl.pem", ca.revocations(self._hub, serials, self._now(), _CRL_LIFE))


def _mesh_names(workload: str) -> list[x509.GeneralName]:
    return [ca.uri(f"spiffe://ora/{workload}"), ca.dns(workload)]


def _replace(path: Path, content: bytes) -> None:
    if not path.exists() or path.read_bytes() != content:
        write_private(path, content.decode())


def _swap(link: Path, files: dict[str, bytes]) -> None:
    """Make ``link`` point at a new folder with ``files``."""
    folder = link.with_name(f".{link.name}.{secrets.token_hex(4)}")
    folder.mkdir(mode=0o700)
    for name, content in files.items():
        write_private(folder / name, content.decode())
    before = link.resolve() if link.is_symlink() else None
    fresh = link.with_name(f"{folder.name}.link")
    fresh.symlink_to(folder.name)
    if link.is_dir() and not link.is_symlink():
        shutil.rmtree(link)
    os.replace(fresh, link)  # noqa: PTH105 - Path.replace would follow nothing either, but says so less plainly
    if before:
        shutil.rmtree(before, ignore_errors=True)
