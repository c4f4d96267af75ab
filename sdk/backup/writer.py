"""Owns writing a container: the bucket, the padding, the order of parts. It yields bytes and knows no file."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from sdk.backup import sealing
from sdk.backup.errors import TooLargeError
from sdk.backup.head import (
    BUCKETS,
    CHUNK_BYTES,
    HEAD_BYTES,
    MAX_SLOTS,
    NO_DIGEST,
    SALT_BYTES,
    TRAILER_BYTES,
    Head,
    KdfCost,
)
from sdk.backup.recovery_key import BackupKeys
from sdk.backup.tree import HashTree

if TYPE_CHECKING:
    from collections.abc import Iterator


Randomness = Callable[[int], bytes]
_ROOM: Final = CHUNK_BYTES - sealing.GCM_TAG_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Who can open a container, and where it stands among those before it."""

    keys: BackupKeys
    """The newest Recovery Key's: its locator and write key are the container's."""
    generation: int = 1
    previous_digest: bytes = NO_DIGEST
    others: tuple[BackupKeys, ...] = ()
    """Further keys that open it, for example a second sheet's."""
    retired: tuple[BackupKeys, ...] = ()
    """Replaced keys, newest first: they are told apart from wrong ones. What does not fit is left out."""
    cost: KdfCost = field(default_factory=KdfCost)
    line: BackupKeys | None = None
    """Whose locator and write key the container has, where they are not those of `keys`: a replaced key's farewell."""

    @property
    def place(self) -> BackupKeys:
        """Whose locator and write key the container has."""
        return self.line or self.keys


@dataclass(frozen=True, slots=True)
class Written:
    """A whole container."""

    container: bytes
    digest: bytes
    """32 bytes: what the next generation names as its previous digest."""


def room_in(bucket: int) -> int:
    """Return how long a content a bucket takes, in bytes."""
    chunks = 1 << bucket - 16
    return (1 << bucket) - HEAD_BYTES - TRAILER_BYTES - chunks * sealing.GCM_TAG_BYTES - 1


def bucket_for(content_bytes: int) -> int:
    """Return the smallest bucket that takes a content of so many bytes.

    Raises:
        TooLargeError: not even the largest does.
    """
    for bucket in BUCKETS:
        if content_bytes <= room_in(bucket):
            return bucket
    raise TooLargeError(f"{content_bytes} bytes do not fit in {1 << BUCKETS[-1]}")


def write(content: bytes, recipe: Recipe, *, randomness: Randomness = secrets.token_bytes) -> Written:
    """Seal a content and return the whole container."""
    parts = list(pieces(content, recipe, randomness=randomness))
    return Written(b"".join(parts), parts[-1][:32])


def pieces(content: bytes, recipe: Recipe, *, randomness: Randomness = secrets.token_bytes) -> Iterator[bytes]:
    """Yield a container in its parts: the head, each chunk, the trailer (root ‖ signature).

    Raises:
        TooLargeError: the content does not fit.
        ValueError: a recipe that no reader would take.
    """
    data_key = randomness(sealing.DATA_KEY_BYTES)
    head = _head(recipe, bucket_for(len(content)), data_key, randomness)
    encoded = head.encode()
    tree = HashTree()
    tree.add(encoded)
    yield encoded
    chunks = sealing.Chunks(data_key, head.nonce_prefix, encoded)
    padded_bytes = room_in(head.size_bucket) + 1
    for start in range(0, padded_bytes, _ROOM):
        end = min(start + _ROOM, padded_bytes)
        sealed = chunks.seal(_padded(content, start, end), last=end == padded_bytes)
        tree.add(sealed)
        yield sealed
    root = tree.root()
    yield root + recipe.place.writer.sign(sealing.SIGNATURE_CONTEXT + root)


def _padded(content: bytes, start: int, end: int) -> bytes:
    """Cut a piece of content ‖ 0x80 ‖ zeros."""
    piece = content[start:end]
    if start <= len(content) < end:
        piece += b"\x80"
    return piece.ljust(end - start, b"\0")


def _head(recipe: Recipe, bucket: int, data_key: bytes, randomness: Randomness) -> Head:
    if recipe.generation < 1 or (recipe.generation == 1) != (recipe.previous_digest == NO_DIGEST):
        raise ValueError("generation 1 has no digest before it, every other one has")
    opening = (recipe.keys, *recipe.others)
    if len(opening) > MAX_SLOTS or not recipe.cost.allowed():
        raise ValueError("too many keys, or Argon2id out of bounds")
    bound = sealing.bound_to(recipe.place.locator, recipe.generation)
    active = [
        sealing.active_slot(each.slot_secret, randomness(SALT_BYTES), recipe.cost, data_key=data_key, bound=bound)
        for each in opening
    ]
    retired = [
        sealing.retired_slot(each.slot_secret, randomness(SALT_BYTES), recipe.cost)
        for each in recipe.retired[: MAX_SLOTS - len(active)]
    ]
    return Head(
        size_bucket=bucket,
        cost=recipe.cost,
        generation=recipe.generation,
        locator=recipe.place.locator,
        previous_digest=recipe.previous_digest,
        write_public=recipe.place.writer.public(),
        commitment=sealing.commitment(data_key),
        nonce_prefix=randomness(sealing.NONCE_PREFIX_BYTES),
        slots=(*active, *retired),
    )
