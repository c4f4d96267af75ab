"""Owns the offline roles of TUF: what root and targets say, and their signatures, by keys in files or in an HSM.

Two root keys have to sign, by two people. Knows no service: it takes the newest file and gives the next one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from securesystemslib.signer import CryptoSigner, SSlibKey
from tuf.api.metadata import DelegatedRole, Delegations, Key, Metadata, Root, TargetFile, Targets

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from mesh.pkcs11 import Token

ROOTS: Final = ("root-1", "root-2")
ROLES: Final = (*ROOTS, "targets")
_ROOT_LIFE: Final = timedelta(days=365)
_TARGETS_LIFE: Final = timedelta(days=90)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """What the offline targets role says of one image."""

    digest: bytes
    length_bytes: int
    hardware_model: str
    revision_min: int
    revision_max: int
    sequence: int


class OfflineKeys:
    """The keys of the offline roles, by the role's name."""

    def __init__(self, keys: dict[str, Any]) -> None:
        self._signers = {role: CryptoSigner(key, SSlibKey.from_crypto(key.public_key())) for role, key in keys.items()}

    @classmethod
    def in_folder(cls, folder: Path) -> OfflineKeys:
        """Take the keys from PEM files."""
        return cls({role: load(folder / f"{role}.key") for role in ROLES})

    @classmethod
    def in_hsm(cls, token: Token, prefix: str) -> OfflineKeys:
        """Take the keys from an HSM; they sign there and stay there."""
        return cls({role: token.signing_key(f"{prefix}{role}") for role in ROLES})

    def first_root(self, online: Any) -> bytes:
        """Return version 1 of the root; the online key is for snapshot and timestamp."""
        root = Root(version=1, expires=_end(_ROOT_LIFE))
        for each in ROOTS:
            root.add_key(self._signers[each].public_key, "root")
        root.roles["root"].threshold = len(ROOTS)
        root.add_key(self._signers["targets"].public_key, "targets")
        for role in ("snapshot", "timestamp"):
            root.add_key(SSlibKey.from_crypto(online), role)
        return self._sign(Metadata(root), ROOTS)

    def next_targets(self, newest: bytes | None, director: Any, images: Iterable[Listed]) -> bytes:
        """Return the next targets: what was listed, and these images too."""
        before = Metadata[Targets].from_bytes(newest).signed if newest else None
        made = Targets(version=before.version + 1 if before else 1, expires=_end(_TARGETS_LIFE))
        made.targets = dict(before.targets) if before else {}
        for each in images:
            made.targets[each.digest.hex()] = _target(each)
        key: Key = SSlibKey.from_crypto(director)
        role = DelegatedRole("director", [key.keyid], threshold=1, terminating=True, paths=["director/*"])
        made.delegations = Delegations({key.keyid: key}, {"director": role})
        return self._sign(Metadata(made), ("targets",))

    def _sign(self, metadata: Metadata[Any], roles: Iterable[str]) -> bytes:
        for role in roles:
            metadata.sign(self._signers[role], append=True)
        return metadata.to_bytes()


def load(path: Path) -> Ed25519PrivateKey:
    """Return a key of a file."""
    key = load_pem_private_key(path.read_bytes(), None)
    if not isinstance(key, Ed25519PrivateKey):
        raise TypeError(f"{path.name} is no Ed25519 key")
    return key


def _target(each: Listed) -> TargetFile:
    custom = {
        "hardware_model": each.hardware_model,
        "hardware_revision_min": each.revision_min,
        "hardware_revision_max": each.revision_max,
        "firmware_sequence": each.sequence,
    }
    name = each.digest.hex()
    return TargetFile(each.length_bytes, {"sha256": name}, name, {"custom": custom})


def _end(life: timedelta) -> datetime:
    return (datetime.now(UTC) + life).replace(microsecond=0)
