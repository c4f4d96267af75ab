"""Owns the development CA: three authorities and what they signed, as files. Knows no running component.

`ca/` holds the authorities' keys. `certs/` is what components read: `{workload}/tls.crt|key` and `mesh-ca.pem` for the
mesh, `edge/` and `edge-ca.pem` for the public doors, `hub-ca.pem` and `hub-crl.pem` to know Hubs by. A folder with a
leaf is replaced as a whole, by one rename of a link, so that nobody reads a key beside another key's certificate.
"""

from __future__ import annotations

import os
import secrets
import shutil
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from cryptography import x509

from devstack import authority as ca
from devstack.home import write_private

if TYPE_CHECKING:
    from collections.abc import Callable
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
        return ca.certify(
            self._hub,
            public,
            name=hub_id,
            names=[ca.uri(f"urn:uuid:{hub_id}")],
            usages=(ca.CLIENT,),
            now=self._now(),
            life=HUB_LIFE,
        )

    def revoke(self, chain: bytes) -> None:
        """Put a Hub's certificate on the revocation list."""
        serial = x509.load_pem_x509_certificates(chain)[0].serial_number
        self._write_crl(sorted({*self._revoked(), serial}))

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
        if not self._ends_soon(folder / "tls.crt", authority):
            return False
        made = ca.leaf(authority, name=name, names=names, usages=usages, now=self._now(), life=LEAF_LIFE)
        _swap(folder, {"tls.crt": made.chain, "tls.key": made.key})
        return True

    def _ends_soon(self, path: Path, authority: ca.Authority) -> bool:
        try:
            own = x509.load_pem_x509_certificates(path.read_bytes())[0]
            own.verify_directly_issued_by(authority.certificate)
        except Exception:  # noqa: BLE001 - whatever is wrong with it, a new one is the answer
            return True
        return own.not_valid_after_utc - self._now() < _RENEW_BEFORE

    def _revoked(self) -> list[int]:
        listed = self._crl()
        return [] if listed is None else [each.serial_number for each in listed]

    def _crl(self) -> x509.CertificateRevocationList | None:
        path = self._home.certificates / "hub-crl.pem"
        return x509.load_pem_x509_crl(path.read_bytes()) if path.exists() else None

    def _crl_ends_soon(self) -> bool:
        listed = self._crl()
        end = None if listed is None else listed.next_update_utc
        return end is None or end - self._now() < _RENEW_BEFORE

    def _write_crl(self, serials: list[int]) -> None:
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
