"""The people with the offline keys: they sign root and targets, well or badly."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from securesystemslib.signer import CryptoSigner, SSlibKey
from tuf.api.metadata import DelegatedRole, Delegations, Key, Metadata, Root, TargetFile, Targets

if TYPE_CHECKING:
    from pathlib import Path

LATER = timedelta(days=365)


def public(key: Ed25519PrivateKey) -> Key:
    return SSlibKey.from_crypto(key.public_key())


def target(image: bytes, *, model: str = "ora-hub-1", revisions: tuple[int, int] = (0, 9), sequence: int) -> TargetFile:
    """Return how targets list one image."""
    custom = {
        "hardware_model": model,
        "hardware_revision_min": revisions[0],
        "hardware_revision_max": revisions[1],
        "firmware_sequence": sequence,
    }
    digest = hashlib.sha256(image).hexdigest()
    return TargetFile(len(image), {"sha256": digest}, digest, {"custom": custom})


class Offline:
    """Two root keys that both have to sign, one targets key, one director key that targets delegate to."""

    def __init__(self, online: Ed25519PrivateKey | None = None) -> None:
        self.roots = [Ed25519PrivateKey.generate() for _ in range(2)]
        self.target = Ed25519PrivateKey.generate()
        self.director = Ed25519PrivateKey.generate()
        self.online = online or Ed25519PrivateKey.generate()

    def write_online(self, folder: Path) -> Path:
        """Write the online key as fleet reads it."""
        path = folder / "online.pem"
        path.write_bytes(self.online.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return path

    def root(
        self,
        version: int = 1,
        *,
        signers: list[Ed25519PrivateKey] | None = None,
        life: timedelta = LATER,
        consistent: bool = True,
        also: tuple[Ed25519PrivateKey, ...] = (),
    ) -> bytes:
        """Return a root; ``also`` are keys of the root before it."""
        root = Root(version=version, expires=_end(life), consistent_snapshot=consistent)
        for key in self.roots:
            root.add_key(public(key), "root")
        root.roles["root"].threshold = len(self.roots)
        root.add_key(public(self.target), "targets")
        for role in ("snapshot", "timestamp"):
            root.add_key(public(self.online), role)
        return _signed(Metadata(root), *(self.roots if signers is None else signers), *also)

    def targets(
        self,
        version: int = 1,
        *targets: TargetFile,
        signer: Ed25519PrivateKey | None = None,
        life: timedelta = LATER,
    ) -> bytes:
        """Return targets that list these images."""
        made = Targets(version=version, expires=_end(life), targets={each.path: each for each in targets})
        key = public(self.director)
        role = DelegatedRole("director", [key.keyid], threshold=1, terminating=True, paths=["director/*"])
        made.delegations = Delegations({key.keyid: key}, {"director": role})
        return _signed(Metadata(made), signer or self.target)


def _signed(metadata: Metadata[Root] | Metadata[Targets], *keys: Ed25519PrivateKey) -> bytes:
    for key in keys:
        metadata.sign(CryptoSigner(key, SSlibKey.from_crypto(key.public_key())), append=True)
    return metadata.to_bytes()


def _end(life: timedelta) -> datetime:
    return (datetime.now(UTC) + life).replace(microsecond=0)
