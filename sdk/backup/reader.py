"""Owns reading a container while its bytes come, in memory of one chunk. It knows no file and no network.

Content is given out as its chunks open; what it says counts only when `finish` has returned.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from sdk.backup import sealing
from sdk.backup.errors import DamagedError, NotABackupError, OlderKeyError, TruncatedError, WrongKeyError
from sdk.backup.head import CHUNK_BYTES, HEAD_BYTES, MAGIC, TRAILER_BYTES, Head, SlotKind, decode
from sdk.backup.tree import HashTree
from sdk.keys import verifies

if TYPE_CHECKING:
    from sdk.backup.recovery_key import BackupKeys

_MARK: Final = b"\x80"


@dataclass(frozen=True, slots=True)
class Opened:
    """A container that was opened and is whole."""

    head: Head
    digest: bytes
    content: bytes = field(repr=False)


class ContainerReader:
    """Opens one container: `feed` it bytes in pieces of any size, then `finish`."""

    def __init__(self, keys: BackupKeys) -> None:
        self._keys = keys
        self._waiting = bytearray()
        self._tree = HashTree()
        self._padding = _Padding()
        self._head: Head | None = None
        self._chunks: sealing.Chunks | None = None
        self._body_left = 0
        self._digest = b""

    def feed(self, data: bytes) -> bytes:
        """Take bytes; return the content that they opened, which may be none.

        Raises:
            NotABackupError: another kind of file.
            UnsupportedError: a later version.
            WrongKeyError: never opened by this key.
            OlderKeyError: the key was replaced.
            DamagedError: changed bytes, or more than there should be.
        """
        self._waiting += data
        content = bytearray()
        while (part := self._take()) is not None:
            content += self._part(part)
        return bytes(content)

    def finish(self) -> tuple[Head, bytes]:
        """Say that no more bytes come; return the head and the digest of the whole container.

        Raises:
            TruncatedError: they should.
            DamagedError: the padding is not what a writer writes.
        """
        if not self._digest or self._head is None:
            if self._head is None and not MAGIC.startswith(bytes(self._waiting[:4])):
                raise NotABackupError("this does not begin as a backup does")
            raise TruncatedError("the backup ends early")
        self._padding.finish()
        return self._head, self._digest

    def _take(self) -> bytes | None:
        """Return the next whole part, or None while it is not there."""
        if self._digest:
            if self._waiting:
                raise DamagedError("there are bytes after the end")
            return None
        wanted = HEAD_BYTES if self._head is None else min(CHUNK_BYTES, self._body_left) or TRAILER_BYTES
        if len(self._waiting) < wanted:
            if self._head is None and len(self._waiting) >= len(MAGIC) and self._waiting[:4] != MAGIC:
                raise NotABackupError("this does not begin as a backup does")
            return None
        part = bytes(self._waiting[:wanted])
        del self._waiting[:wanted]
        return part

    def _part(self, part: bytes) -> bytes:
        if self._head is None or self._chunks is None:
            self._open_head(part)
            return b""
        if not self._body_left:
            self._check_trailer(self._head, part)
            return b""
        self._tree.add(part)
        self._body_left -= len(part)
        return self._padding.strip(self._chunks.open(part, last=not self._body_left))

    def _open_head(self, encoded: bytes) -> None:
        head = decode(encoded)
        bound = sealing.bound_to(head.locator, head.generation)
        found = sealing.find_slot(head.slots, self._keys.slot_secret, head.cost, bound=bound)
        if found is None:
            raise WrongKeyError("this Recovery Key is another backup's")
        slot, data_key = found
        if slot.kind is SlotKind.RETIRED:
            raise OlderKeyError("this Recovery Key was replaced by a newer one")
        if not hmac.compare_digest(sealing.commitment(data_key), head.commitment):
            raise DamagedError("the key commitment does not hold")
        self._tree.add(encoded)
        self._chunks = sealing.Chunks(data_key, head.nonce_prefix, encoded)
        self._head, self._body_left = head, head.body_bytes

    def _check_trailer(self, head: Head, trailer: bytes) -> None:
        root, signature = trailer[:32], trailer[32:]
        if self._tree.root() != root:
            raise DamagedError("the hash tree does not hold")
        if not verifies(head.write_public, signature, sealing.SIGNATURE_CONTEXT + root):
            raise DamagedError("the signature does not hold")
        if head.locator == self._keys.locator and head.write_public != self._keys.writer.public():
            raise DamagedError("the write key is another one")
        self._digest = root


class _Padding:
    """Takes content ‖ 0x80 ‖ zeros apart without holding it: what may be padding is a mark and a count."""

    def __init__(self) -> None:
        self._marked = False
        self._zeros = 0

    def strip(self, plaintext: bytes) -> bytes:
        """Return what is content for certain."""
        body = plaintext.rstrip(b"\0")
        zeros = len(plaintext) - len(body)
        if not body and self._marked:
            self._zeros += zeros
            return b""
        held = _MARK + bytes(self._zeros) if self._marked else b""
        self._marked, self._zeros = body.endswith(_MARK), zeros
        return held + body[:-1] if self._marked else held + plaintext

    def finish(self) -> None:
        """Check that what is left is padding."""
        if not self._marked:
            raise DamagedError("the padding is not 0x80 and zeros")


def open_container(container: bytes, keys: BackupKeys) -> Opened:
    """Open a whole container.

    Raises:
        BackupError: one of those of `ContainerReader`.
    """
    reader = ContainerReader(keys)
    content = reader.feed(container)
    head, digest = reader.finish()
    return Opened(head, digest, content)
