"""Owns what a container must look like from outside (docs/backup-format.md), and why it is refused. It has no key.

`ContainerVerifier` takes bytes as they come, in memory of one chunk. It was written from the document and not from
`sdk.backup`, which services must not import; the golden vectors hold both to it.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from backup_svc.domain.randomness import Screen

HEAD_BYTES: Final = 512
CHUNK_BYTES: Final = 65536
TRAILER_BYTES: Final = 96
MIN_BUCKET: Final = 16
MAX_BUCKET: Final = 23
NO_DIGEST: Final = bytes(32)
_FIXED: Final = struct.Struct(">4sBBBBIIHBBI16s32s32s32s7sB")
_SLOTS_AT: Final = 144
_SLOT_BYTES: Final = 84
_WRAPPED_AT: Final = 36
_CHECK_AT: Final = 480
_CONTEXT: Final = b"ora backup container v1\0"
_EMPTY, _ACTIVE, _RETIRED = 0, 1, 2


class Refusal(StrEnum):
    """Why a container is refused: the names of ora.backup.v1.ContainerRefusal."""

    MAGIC = "MAGIC"
    UNSUPPORTED = "UNSUPPORTED"
    KDF_BOUNDS = "KDF_BOUNDS"
    SIZE = "SIZE"
    HASH_TREE = "HASH_TREE"
    SIGNATURE = "SIGNATURE"
    GENERATION = "GENERATION"
    FORK = "FORK"
    NOT_RANDOM = "NOT_RANDOM"
    TRUNCATED = "TRUNCATED"
    HEAD = "HEAD"


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What may be known of a container."""

    format_version: int
    suite: int
    content_type: int
    size_bucket: int
    generation: int
    locator: bytes
    previous_digest: bytes
    write_key: bytes


@dataclass(frozen=True, slots=True)
class Verified:
    """A whole container that is as it should be."""

    head: Head
    digest: bytes


def read_head(data: bytes) -> Head | Refusal:  # noqa: PLR0911 - one answer for each thing that can be wrong
    """Read the 512 bytes of a head."""
    magic, version, suite, content, bucket, chunk, memory, iterations, lanes, slots, generation, *rest = (
        _FIXED.unpack_from(data)
    )
    locator, previous, write_key, _, _, zero = rest
    if magic != b"ORAB":
        return Refusal.MAGIC
    if version != 1:
        return Refusal.UNSUPPORTED
    if hashlib.sha256(data[:_CHECK_AT]).digest() != data[_CHECK_AT:]:
        return Refusal.HEAD
    if (suite, content) != (1, 1):
        return Refusal.UNSUPPORTED
    if not (19456 <= memory <= 262144 and 2 <= iterations <= 10 and 1 <= lanes <= 4):  # noqa: PLR2004 - the document's
        return Refusal.KDF_BOUNDS
    if not MIN_BUCKET <= bucket <= MAX_BUCKET:
        return Refusal.SIZE
    sound = chunk == CHUNK_BYTES and zero == 0 and generation > 0 and _slots_are_sound(data, slots)
    if not sound or (generation == 1) != (previous == NO_DIGEST):
        return Refusal.HEAD
    return Head(
        format_version=version,
        suite=suite,
        content_type=content,
        size_bucket=bucket,
        generation=generation,
        locator=locator,
        previous_digest=previous,
        write_key=write_key,
    )


def _slots_are_sound(data: bytes, used: int) -> bool:
    """Tell whether slots are active, then retired, then empty, with zeros where nothing is."""
    places = range(_SLOTS_AT, _CHECK_AT, _SLOT_BYTES)
    kinds = [data[at] for at in places]
    if not 1 <= used <= len(kinds) or kinds[0] != _ACTIVE or kinds[:used] != sorted(kinds[:used]):
        return False
    if not set(kinds[:used]) <= {_ACTIVE, _RETIRED} or any(data[_SLOTS_AT + used * _SLOT_BYTES : _CHECK_AT]):
        return False
    return not any(
        any(data[at + 1 : at + 4]) or (data[at] == _RETIRED and any(data[at + _WRAPPED_AT : at + _SLOT_BYTES]))
        for at in places[:used]
    )


class ContainerVerifier:
    """Checks one container: `feed` it bytes in pieces of any size, then `finish`. What was refused stays refused."""

    def __init__(self, *, screened: bool = False) -> None:
        """Begin. ``screened``: these bytes have passed the screen on their way here, so it is not asked again."""
        self.head: Head | None = None
        self._waiting = bytearray()
        self._tree: list[tuple[int, bytes]] = []
        self._screen = None if screened else Screen()
        self._body_left = 0
        self._digest = b""
        self._refusal: Refusal | None = None

    def feed(self, data: bytes) -> Refusal | None:
        """Take bytes; return why the container is refused, or None so far."""
        self._waiting += data
        while self._refusal is None and (part := self._take()) is not None:
            self._refusal = self._part(part)
        if self._refusal is None and self._digest and self._waiting:
            self._refusal = Refusal.SIZE
        return self._refusal

    def finish(self) -> Verified | Refusal:
        """Say that no more bytes come."""
        if self._refusal is not None:
            return self._refusal
        if self.head is None or not self._digest:
            return Refusal.TRUNCATED
        return Verified(self.head, self._digest)

    def _take(self) -> bytes | None:
        if self._digest:
            return None
        wanted = HEAD_BYTES if self.head is None else min(CHUNK_BYTES, self._body_left) or TRAILER_BYTES
        if len(self._waiting) < wanted:
            return None
        part = bytes(self._waiting[:wanted])
        del self._waiting[:wanted]
        return part

    def _part(self, part: bytes) -> Refusal | None:
        if self.head is None:
            found = read_head(part)
            if isinstance(found, Refusal):
                return found
            self.head = found
            self._body_left = (1 << found.size_bucket) - HEAD_BYTES - TRAILER_BYTES
            self._grow(part)
            return None
        if not self._body_left:
            return self._trailer(self.head, part)
        self._body_left -= len(part)
        self._grow(part)
        return None if self._screen is None or self._screen.looks_random(part) else Refusal.NOT_RANDOM

    def _grow(self, leaf: bytes) -> None:
        size, value = 1, hashlib.sha256(b"\0" + leaf).digest()
        while self._tree and self._tree[-1][0] == size:
            value = hashlib.sha256(b"\1" + self._tree.pop()[1] + value).digest()
            size *= 2
        self._tree.append((size, value))

    def _trailer(self, head: Head, trailer: bytes) -> Refusal | None:
        *rest, (_, root) = self._tree
        for _, peak in reversed(rest):
            root = hashlib.sha256(b"\1" + peak + root).digest()
        if trailer[:32] != root:
            return Refusal.HASH_TREE
        try:
            Ed25519PublicKey.from_public_bytes(head.write_key).verify(trailer[32:], _CONTEXT + root)
        except (InvalidSignature, ValueError):
            return Refusal.SIGNATURE
        self._digest = root
        return None
