"""Owns names and messages of backup: reads names, writes answers."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Final

from google.protobuf.timestamp_pb2 import Timestamp
from ora.backup.v1 import backup_pb2, backup_upload_pb2, container_pb2

from backup_svc.domain.container import Refusal
from mesh.errors import AbortedError, InvalidArgumentError, OraError, StateConflictError
from mesh.resource_names import ResourceName

if TYPE_CHECKING:
    from uuid import UUID

    from backup_svc.domain.lineage import Backup
    from backup_svc.store.backups import Generation
    from backup_svc.store.uploads import Upload

HUB: Final = ResourceName("hubs/{hub}")
UPLOAD: Final = ResourceName("backupUploads/{backup_upload}")
_BACKUP: Final = re.compile(r"backups/([0-9a-f]{32})", re.ASCII)
_GENERATION: Final = re.compile(r"backups/([0-9a-f]{32})/generations/([1-9][0-9]{0,9})", re.ASCII)
_SAYS: Final = {
    Refusal.MAGIC: "this does not begin as a container does",
    Refusal.UNSUPPORTED: "a version, suite or content type that is not served",
    Refusal.KDF_BOUNDS: "key derivation is weaker or dearer than allowed",
    Refusal.SIZE: "the length is not that of its bucket",
    Refusal.HASH_TREE: "a hash of the tree does not hold",
    Refusal.SIGNATURE: "the signature does not hold, or the write key is another one",
    Refusal.GENERATION: "the generation does not rise by one",
    Refusal.FORK: "another container came first",
    Refusal.NOT_RANDOM: "the body does not look sealed",
    Refusal.TRUNCATED: "the container ends early",
    Refusal.HEAD: "a field of the head has a value that is not allowed",
}
# What depends on what is stored; everything else is wrong whatever the state.
_OF_THE_STATE: Final = frozenset({Refusal.GENERATION, Refusal.TRUNCATED})


def parse_backup(name: str, *, field: str = "name") -> bytes:
    """Return the locator in `backups/{backup}`."""
    found = _BACKUP.fullmatch(name)
    if found is None:
        raise InvalidArgumentError.field(field, "must be backups/{backup}, 32 digits of lower-case hex")
    return bytes.fromhex(found[1])


def parse_generation(name: str) -> tuple[bytes, int]:
    """Return locator and generation of `backups/{backup}/generations/{generation}`."""
    found = _GENERATION.fullmatch(name)
    if found is None:
        raise InvalidArgumentError.field("name", "must be backups/{backup}/generations/{generation}")
    return bytes.fromhex(found[1]), int(found[2])


def upload_name(upload_id: UUID) -> str:
    """Return the name of an upload."""
    return UPLOAD.format(upload_id)


def refused(refusal: Refusal) -> OraError:
    """Return the failure of a container that is refused."""
    if refusal is Refusal.FORK:
        return AbortedError(_SAYS[refusal], reason=refusal.value)
    kind = StateConflictError if refusal in _OF_THE_STATE else InvalidArgumentError
    return kind(_SAYS[refusal], reason=refusal.value)


def backup_of(backup: Backup) -> backup_pb2.Backup:
    """Pack a line."""
    return backup_pb2.Backup(
        name=f"backups/{backup.locator.hex()}",
        newest_generation=backup.newest_generation,
        purge_day=stamp(backup.purge_day),
    )


def generation_of(stored: Generation) -> backup_pb2.BackupGeneration:
    """Pack a stored container."""
    return backup_pb2.BackupGeneration(
        name=f"backups/{stored.locator.hex()}/generations/{stored.generation}",
        head=container_pb2.ContainerHead(
            format_version=stored.format_version,
            suite=container_pb2.Suite.ValueType(stored.suite),
            content_type=container_pb2.ContentType.ValueType(stored.content_type),
            generation=stored.generation,
            size_bucket=stored.size_bucket,
            digest=stored.digest,
            previous_digest=stored.previous_digest,
        ),
        store_day=stamp(stored.store_day),
    )


def upload_of(upload: Upload) -> backup_upload_pb2.BackupUpload:
    """Pack an upload."""
    return backup_upload_pb2.BackupUpload(
        name=upload_name(upload.upload_id),
        committed_bytes=upload.committed_bytes,
        length_bytes=upload.length_bytes,
        expire_time=stamp(upload.expire_time),
    )


def stamp(instant: date | datetime) -> Timestamp:
    """Return an instant, or the first second of a UTC day, as the contract's."""
    if not isinstance(instant, datetime):
        instant = datetime.combine(instant, time(), UTC)
    made = Timestamp()
    made.FromDatetime(instant)
    return made
