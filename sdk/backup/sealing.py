"""Owns the cryptography of a container: key slots, commitment, chunks, signature. It knows no file."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from sdk.backup.errors import DamagedError
from sdk.backup.head import TAG_BYTES, WRAPPED_BYTES, Slot, SlotKind
from sdk.backup.recovery_key import expand

if TYPE_CHECKING:
    from sdk.backup.head import KdfCost

DATA_KEY_BYTES: Final = 32
NONCE_PREFIX_BYTES: Final = 7
GCM_TAG_BYTES: Final = 16
SIGNATURE_CONTEXT: Final = b"ora backup container v1\0"
_ZERO_NONCE: Final = bytes(12)  # each wrap key follows from a fresh salt and is used once


def bound_to(locator: bytes, generation: int) -> bytes:
    """Return what a wrapped data key is bound to."""
    return b"ora backup slot v1\0" + locator + generation.to_bytes(4, "big")


def active_slot(secret: bytes, salt: bytes, cost: KdfCost, *, data_key: bytes, bound: bytes) -> Slot:
    """Make a slot whose key opens the container."""
    stretched = _stretch(secret, salt, cost)
    wrapped = AESGCM(_wrap_key(stretched)).encrypt(_ZERO_NONCE, data_key, bound)
    return Slot(kind=SlotKind.ACTIVE, salt=salt, tag=_tag(stretched), wrapped=wrapped)


def retired_slot(secret: bytes, salt: bytes, cost: KdfCost) -> Slot:
    """Make a slot that only says: this key was replaced."""
    tag = _tag(_stretch(secret, salt, cost))
    return Slot(kind=SlotKind.RETIRED, salt=salt, tag=tag, wrapped=bytes(WRAPPED_BYTES))


def find_slot(slots: tuple[Slot, ...], secret: bytes, cost: KdfCost, *, bound: bytes) -> tuple[Slot, bytes] | None:
    """Return the slot of this secret and the data key in it (empty in a retired slot), or None.

    Raises:
        DamagedError: it is this secret's slot, and it does not open.
    """
    for slot in slots:
        stretched = _stretch(secret, slot.salt, cost)
        if not hmac.compare_digest(slot.tag, _tag(stretched)):
            continue
        if slot.kind is SlotKind.RETIRED:
            return slot, b""
        try:
            return slot, AESGCM(_wrap_key(stretched)).decrypt(_ZERO_NONCE, slot.wrapped, bound)
        except InvalidTag:
            raise DamagedError("the key slot is damaged") from None
    return None


def commitment(data_key: bytes) -> bytes:
    """Return what ties a head to one data key: AES-GCM alone would open under two."""
    return expand(data_key, b"ora backup commitment v1", 32)


class Chunks:
    """Seals or opens chunks in their order (STREAM: prefix ‖ counter ‖ last), bound to the head."""

    def __init__(self, data_key: bytes, nonce_prefix: bytes, head: bytes) -> None:
        self._aead = AESGCM(expand(data_key, b"ora backup chunks v1", 32))
        self._prefix, self._aad, self._counter = nonce_prefix, hashlib.sha256(head).digest(), 0

    def seal(self, plaintext: bytes, *, last: bool) -> bytes:
        """Seal the next chunk."""
        return self._aead.encrypt(self._nonce(last=last), plaintext, self._aad)

    def open(self, sealed: bytes, *, last: bool) -> bytes:
        """Open the next chunk.

        Raises:
            DamagedError: it is not what was sealed in this place.
        """
        place = self._counter
        try:
            return self._aead.decrypt(self._nonce(last=last), sealed, self._aad)
        except InvalidTag:
            raise DamagedError(f"chunk {place} is damaged") from None

    def _nonce(self, *, last: bool) -> bytes:
        nonce = self._prefix + self._counter.to_bytes(4, "big") + bytes([last])
        self._counter += 1
        return nonce


def _stretch(secret: bytes, salt: bytes, cost: KdfCost) -> bytes:
    argon = Argon2id(salt=salt, length=32, iterations=cost.iterations, lanes=cost.lanes, memory_cost=cost.memory_kib)
    return argon.derive(secret)


def _tag(stretched: bytes) -> bytes:
    return expand(stretched, b"ora backup tag v1", TAG_BYTES)


def _wrap_key(stretched: bytes) -> bytes:
    return expand(stretched, b"ora backup wrap v1", 32)
