"""Owns the sideload file: what an app carries to a Hub whose cloud is off. Verifies nothing, and reads no message.

Layout: the 8 bytes `ORASIDE1`, the length of the encoded SideloadHead (4 bytes, big-endian), the head, the image.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sdk.errors import MalformedError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import BinaryIO

MAGIC: Final = b"ORASIDE1"
_LENGTH_BYTES: Final = 4
HEAD_MOST: Final = 1 << 20
PIECE: Final = 65_536


def write(file: BinaryIO, head: bytes, image: Iterable[bytes]) -> None:
    """Write an encoded SideloadHead and the image."""
    file.write(MAGIC + len(head).to_bytes(_LENGTH_BYTES, "big") + head)
    file.writelines(image)


def read_head(file: BinaryIO) -> bytes:
    """Return the encoded head; the file stands at the image then.

    Raises:
        MalformedError: it is no sideload file.
    """
    if file.read(len(MAGIC)) != MAGIC:
        raise MalformedError("no sideload file")
    length = int.from_bytes(file.read(_LENGTH_BYTES), "big")
    if not 0 < length <= HEAD_MOST:
        raise MalformedError("the head of the sideload file is out of bounds")
    head = file.read(length)
    if len(head) != length:
        raise MalformedError("the sideload file ends in its head")
    return head
