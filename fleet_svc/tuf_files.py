"""Owns the reading of offline TUF files and the making of online ones; knows no I/O, no database and no contract.

Paths of targets are the SHA-256 of the image in hex, and `custom` says what the image is for, so that the offline
signature covers the hardware and the sequence too.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar

from securesystemslib.signer import CryptoSigner, SSlibKey
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, Targets, Timestamp
from tuf.api.serialization import DeserializationError

from fleet_svc.domain.release import Listed
from mesh.errors import InvalidArgumentError, StateConflictError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SNAPSHOT_LIFE: Final = timedelta(days=7)
TIMESTAMP_LIFE: Final = timedelta(days=1)
_PATH: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_ONLINE: Final = ("snapshot", "timestamp")

S = TypeVar("S", Root, Targets)


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One file of the repository."""

    role: str
    version: int
    content: bytes
    expire_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OnlineKey:
    """The key of the snapshot and timestamp roles."""

    signer: CryptoSigner

    @classmethod
    def of(cls, key: Ed25519PrivateKey) -> OnlineKey:
        """Return the role's key."""
        return cls(signer=CryptoSigner(key, SSlibKey.from_crypto(key.public_key())))

    def is_named_by(self, root: Root) -> bool:
        """Tell whether this key alone makes the online roles of ``root``."""
        roles = [root.roles[each] for each in _ONLINE]
        return all(role.threshold == 1 and self.signer.public_key.keyid in role.keyids for role in roles)

    def snapshot(self, targets: File, *, version: int, now: datetime) -> File:
        """Return the snapshot that lists these targets."""
        made = Metadata(Snapshot(version=version, expires=_second(now + SNAPSHOT_LIFE)))
        made.signed.meta["targets.json"] = _meta(targets)
        made.sign(self.signer)
        return _file("snapshot", made, made.to_bytes())

    def timestamp(self, snapshot: File, *, version: int, now: datetime) -> File:
        """Return the timestamp that names this snapshot."""
        meta = _meta(snapshot)
        made = Metadata(Timestamp(version=version, expires=_second(now + TIMESTAMP_LIFE), snapshot_meta=meta))
        made.sign(self.signer)
        return _file("timestamp", made, made.to_bytes())


def read_root(content: bytes, *, current: Metadata[Root] | None, now: datetime) -> Metadata[Root]:
    """Return the next root; signed by its own keys and by those of the root before it."""
    root = _parse(content, Root)
    _require_next(root.signed.version, current.signed.version if current else 0)
    for judge in (root, current) if current else (root,):
        _require_signed(judge.signed, root)
    _require_fresh(root, now)
    if not root.signed.consistent_snapshot:
        raise InvalidArgumentError.field("content", "consistent_snapshot is off", reason="METADATA_INVALID")
    return root


def read_targets(content: bytes, *, root: Metadata[Root], current: int, now: datetime) -> Metadata[Targets]:
    """Return the next targets; signed by the keys that ``root`` names for them."""
    targets = _parse(content, Targets)
    _require_next(targets.signed.version, current)
    _require_signed(root.signed, targets)
    _require_fresh(targets, now)
    return targets


def root_of(content: bytes) -> Metadata[Root]:
    """Return a root that was read before."""
    return Metadata[Root].from_bytes(content)


def file_of(role: str, metadata: Metadata[Root] | Metadata[Targets], content: bytes) -> File:
    """Return an offline file, byte for byte as it was signed."""
    return _file(role, metadata, content)


def listed(targets: Targets) -> dict[bytes, Listed]:
    """Return what targets say of each image."""
    try:
        return {_digest(path, entry.hashes): _listed(entry) for path, entry in targets.targets.items()}
    except (KeyError, TypeError, ValueError):
        raise InvalidArgumentError.field("content", "a target is not as ours are", reason="TARGETS_INVALID") from None


def _digest(path: str, hashes: dict[str, str]) -> bytes:
    if _PATH.fullmatch(path) is None or hashes["sha256"] != path:
        raise ValueError("the path is not the digest")
    return bytes.fromhex(path)


def _listed(entry: Any) -> Listed:
    custom = entry.custom
    numbers = [custom[each] for each in ("hardware_revision_min", "hardware_revision_max", "firmware_sequence")]
    if not isinstance(custom["hardware_model"], str) or any(type(each) is not int for each in numbers):
        raise TypeError("custom")
    return Listed(
        length_bytes=entry.length,
        hardware_model=custom["hardware_model"],
        hardware_revision_min=numbers[0],
        hardware_revision_max=numbers[1],
        firmware_sequence=numbers[2],
    )


def _parse(content: bytes, kind: type[S]) -> Metadata[S]:
    try:
        parsed = Metadata[S].from_bytes(content)
    except (DeserializationError, RepositoryError, ValueError):
        raise InvalidArgumentError.field("content", "is no TUF file", reason="METADATA_INVALID") from None
    if not isinstance(parsed.signed, kind):
        raise InvalidArgumentError.field("content", "is of another role", reason="METADATA_INVALID")
    return parsed


def _require_next(version: int, current: int) -> None:
    if version != current + 1:
        raise StateConflictError(
            "the version is not the next one", reason="METADATA_VERSION", current=current, offered=version
        )


def _require_signed(judge: Root, metadata: Metadata[Root] | Metadata[Targets]) -> None:
    try:
        judge.verify_delegate(metadata.signed.type, metadata.signed_bytes, metadata.signatures)
    except (RepositoryError, ValueError):
        raise InvalidArgumentError.field(
            "content", "too few keys of the role signed it", reason="SIGNATURE_INVALID"
        ) from None


def _require_fresh(metadata: Metadata[Root] | Metadata[Targets], now: datetime) -> None:
    if metadata.signed.is_expired(now):
        raise StateConflictError("the file is expired", reason="METADATA_EXPIRED")


def _file(role: str, metadata: Metadata[Any], content: bytes) -> File:
    return File(role=role, version=metadata.signed.version, content=content, expire_time=metadata.signed.expires)


def _meta(file: File) -> MetaFile:
    digest = hashlib.sha256(file.content).hexdigest()
    return MetaFile(version=file.version, length=len(file.content), hashes={"sha256": digest})


def _second(instant: datetime) -> datetime:
    return instant.astimezone(UTC).replace(microsecond=0)
