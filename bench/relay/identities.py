"""Owns who takes part in a measurement: authorities, servers, workloads, and as many Hubs as are asked for."""

from __future__ import annotations

import ssl
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from devstack import authority as ca

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from cryptography import x509

_LIFE: Final = timedelta(days=1)
_WORKLOADS: Final = ("relay", "fleet", "bridge", "gateway")


class Identities:
    """Certificates in the folder that the relay reads, and in ``hubs/`` one file a Hub.

    All Hubs share one key: a key is not what is measured, and making it is most of the work.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.hubs: list[uuid.UUID] = []
        self._now = datetime.now(UTC)
        self._authorities = {name: ca.root(name, self._now) for name in ("mesh", "edge", "hub", "stranger")}
        self._key = ca.new_key()
        (folder / "hubs").mkdir(parents=True, exist_ok=True)
        (folder / "hubs" / "tls.key").write_bytes(ca.key_pem(self._key))
        for name, authority in self._authorities.items():
            (folder / f"{name}-ca.pem").write_bytes(ca.pem(authority.chain))
        everybody = ca.pem([*self._authorities["hub"].chain, *self._authorities["mesh"].chain])
        (folder / "clients-ca.pem").write_bytes(everybody)
        usages = (ca.SERVER, ca.CLIENT)
        self._leaf("edge", "edge", [ca.dns("localhost"), ca.address("127.0.0.1")], usages)
        for name in _WORKLOADS:
            self._leaf("mesh", name, [ca.uri(f"spiffe://ora/{name}"), ca.dns(name), ca.dns("localhost")], usages)
        self._leaf("stranger", "stranger", [ca.uri(f"urn:uuid:{uuid.uuid4()}")], (ca.CLIENT,))

    def _leaf(
        self, authority: str, name: str, names: Sequence[x509.GeneralName], usages: Sequence[x509.ObjectIdentifier]
    ) -> None:
        made = ca.leaf(self._authorities[authority], name=name, names=names, usages=usages, now=self._now, life=_LIFE)
        (self.folder / name).mkdir(exist_ok=True)
        (self.folder / name / "tls.crt").write_bytes(made.chain)
        (self.folder / name / "tls.key").write_bytes(made.key)

    def more_hubs(self, count: int) -> range:
        """Make Hubs; return their numbers."""
        first = len(self.hubs)
        for number in range(first, first + count):
            hub = uuid.uuid4()
            chain = ca.certify(
                self._authorities["hub"],
                self._key.public_key(),
                name=str(hub),
                names=[ca.uri(f"urn:uuid:{hub}")],
                usages=(ca.CLIENT,),
                now=self._now,
                life=_LIFE,
            )
            hub_chain(self.folder, number).write_bytes(chain)
            self.hubs.append(hub)
        (self.folder / "hubs" / "ids").write_text("\n".join(map(str, self.hubs)))
        return range(first, first + count)


def hub_chain(folder: Path, number: int) -> Path:
    """Return the file of one Hub's certificate."""
    return folder / "hubs" / f"{number}.crt"


def hub_ids(folder: Path) -> list[uuid.UUID]:
    """Read the Hubs' ids, in the order of their numbers."""
    return [uuid.UUID(line) for line in (folder / "hubs" / "ids").read_text().split()]


def bare_context(folder: Path, authority: str = "edge") -> ssl.SSLContext:
    """Return the TLS settings that all clients share, without a certificate of theirs."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_verify_locations(folder / f"{authority}-ca.pem")
    return context


def hub_context(folder: Path, number: int) -> ssl.SSLContext:
    """Return the TLS settings of one Hub."""
    context = bare_context(folder)
    context.load_cert_chain(hub_chain(folder, number), folder / "hubs" / "tls.key")
    return context


def party_context(folder: Path, name: str, authority: str = "edge") -> ssl.SSLContext:
    """Return the TLS settings of anybody else with a folder of their own."""
    context = bare_context(folder, authority)
    context.load_cert_chain(folder / name / "tls.crt", folder / name / "tls.key")
    return context
