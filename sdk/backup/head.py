"""Owns the first 512 bytes of a container, byte by byte. It knows no key.

  0   4  magic "ORAB"               40  32  previous digest (zeros in generation 1)
  4   1  version, 1                 72  32  write public key, Ed25519
  5   1  suite, 1                  104  32  key commitment
  6   1  content type, 1           136   7  STREAM nonce prefix
  7   1  size bucket, 16 to 23     143   1  zero
  8   4  chunk bytes, 65536        144 336  four key slots of 84 bytes:
 12   4  Argon2id memory, KiB               0  1  kind: 0 empty, 1 active, 2 retired
 16   2  Argon2id iterations                1  3  zeros
 18   1  Argon2id lanes                     4 16  salt
 19   1  slots in use, 1 to 4              20 16  tag
 20   4  generation, from 1                36 48  wrapped data key; zeros unless active
 24  16  locator                   480  32  SHA-256 of bytes 0 to 479

Numbers are big-endian.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from sdk.backup.errors import DamagedError, NotABackupError, UnsupportedError

MAGIC: Final = b"ORAB"
VERSION: Final = 1
SUITE: Final = 1
LAYOUT: Final = 1
HEAD_BYTES: Final = 512
TRAILER_BYTES: Final = 96
CHUNK_BYTES: Final = 65536
BUCKETS: Final = range(16, 24)
MAX_SLOTS: Final = 4
SALT_BYTES: Final = 16
TAG_BYTES: Final = 16
WRAPPED_BYTES: Final = 48
NO_DIGEST: Final = bytes(32)
_FIXED: Final = struct.Struct(">4sBBBBIIHBBI16s32s32s32s7sB")
_SLOT: Final = struct.Struct(">B3s16s16s48s")
_CHECKED: Final = HEAD_BYTES - 32


class SlotKind(IntEnum):
    """What a key slot is."""

    ACTIVE = 1
    """Its key opens the container."""
    RETIRED = 2
    """Its key was replaced; it opens nothing and is told so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KdfCost:
    """What Argon2id costs (RFC 9106)."""

    memory_kib: int = 65536
    iterations: int = 3
    lanes: int = 1

    def allowed(self) -> bool:
        """Tell whether it is neither weaker nor dearer than allowed."""
        return 19456 <= self.memory_kib <= 262144 and 2 <= self.iterations <= 10 and 1 <= self.lanes <= 4  # noqa: PLR2004 - docs/backup-format.md


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One key slot."""

    kind: SlotKind
    salt: bytes
    tag: bytes
    wrapped: bytes
    """The data key under this slot's key; zeros in a retired slot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What a head says."""

    size_bucket: int
    cost: KdfCost
    generation: int
    locator: bytes
    previous_digest: bytes
    write_public: bytes
    commitment: bytes
    nonce_prefix: bytes
    slots: tuple[Slot, ...]

    @property
    def container_bytes(self) -> int:
        """Length of the whole container."""
        return 1 << self.size_bucket

    @property
    def body_bytes(self) -> int:
        """Length of all sealed chunks."""
        return self.container_bytes - HEAD_BYTES - TRAILER_BYTES

    def encode(self) -> bytes:
        """Return the 512 bytes."""
        fixed = _FIXED.pack(
            MAGIC,
            VERSION,
            SUITE,
            LAYOUT,
            self.size_bucket,
            CHUNK_BYTES,
            self.cost.memory_kib,
            self.cost.iterations,
            self.cost.lanes,
            len(self.slots),
            self.generation,
            self.locator,
            self.previous_digest,
            self.write_public,
            self.commitment,
            self.nonce_prefix,
            0,
        )
        slots = b"".join(_SLOT.pack(each.kind, bytes(3), each.salt, each.tag, each.wrapped) for each in self.slots)
        checked = (fixed + slots).ljust(_CHECKED, b"\0")
        return checked + hashlib.sha256(checked).digest()


def decode(data: bytes) -> Head:
    """Read 512 bytes.

    Raises:
        NotABackupError: another magic.
        UnsupportedError: another version, suite or content type.
        DamagedError: the check or a field does not hold.
    """
    if data[:4] != MAGIC:
        raise NotABackupError("this does not begin as a backup does")
    if data[4] != VERSION:
        raise UnsupportedError(f"format version {data[4]} is not known")
    if hashlib.sha256(data[:_CHECKED]).digest() != data[_CHECKED:]:
        raise DamagedError("the head is damaged")
    (_, _, suite, content, bucket, chunk, memory, iterations, lanes, count, generation, *rest) = _FIXED.unpack_from(
        data
    )
    locator, previous, write_public, commitment, prefix, zero = rest
    if suite != SUITE or content != LAYOUT:
        raise UnsupportedError(f"suite {suite} with content type {content} is not known")
    head = Head(
        size_bucket=bucket,
        cost=KdfCost(memory_kib=memory, iterations=iterations, lanes=lanes),
        generation=generation,
        locator=locator,
        previous_digest=previous,
        write_public=write_public,
        commitment=commitment,
        nonce_prefix=prefix,
        slots=_slots(data, count),
    )
    first = generation == 1
    sound = bucket in BUCKETS and chunk == CHUNK_BYTES and head.cost.allowed() and generation > 0 and zero == 0
    if not sound or first != (previous == NO_DIGEST):
        raise DamagedError("a field of the head has a value that is not allowed")
    return head


def _slots(data: bytes, count: int) -> tuple[Slot, ...]:
    """Read the slots in use: active ones first, retired ones after them, then zeros."""
    raw = [_SLOT.unpack_from(data, _FIXED.size + place * _SLOT.size) for place in range(MAX_SLOTS)]
    kinds = [each[0] for each in raw]
    used = kinds[:count]
    if (
        not 1 <= count <= MAX_SLOTS
        or used[0] != SlotKind.ACTIVE
        or used != sorted(used)
        or max(used) > SlotKind.RETIRED
    ):
        raise DamagedError("the key slots are not in order")
    if any(data[_FIXED.size + count * _SLOT.size : _CHECKED]) or any(any(each[1]) for each in raw[:count]):
        raise DamagedError("what should be zero is not")
    slots = tuple(
        Slot(kind=SlotKind(kind), salt=salt, tag=tag, wrapped=wrapped) for kind, _, salt, tag, wrapped in raw[:count]
    )
    if any(each.kind is SlotKind.RETIRED and any(each.wrapped) for each in slots):
        raise DamagedError("a retired key slot holds a key")
    return slots
