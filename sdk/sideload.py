"""Owns the sideload file: what an app carries to a Hub whose cloud is off. Verifies nothing; the Hub does.

Layout: the 8 bytes `ORASIDE1`, the length of the encoded SideloadHead (4 bytes, big-endian), the head, the image.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import protovalidate
from google.protobuf.message import DecodeError
from ora.fleet.v1.sideload_pb2 import SideloadHead

from sdk.errors import MalformedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import BinaryIO

MAGIC: Final = b"ORASIDE1"
_LENGTH_BYTES: Final = 4
_HEAD_MOST: Final = 1 << 20
PIECE: Final = 65_536


def write(file: BinaryIO, head: SideloadHead, image: Iterable[bytes]) -> None:
    """Write head and image.

    Raises:
        ValueError: the head is not as the contract says.
    """
    if protovalidate.collect_violations(head):
        raise ValueError("the head is not as the contract says")
    encoded = head.SerializeToString(deterministic=True)
    file.write(MAGIC + len(encoded).to_bytes(_LENGTH_BYTES, "big") + encoded)
    file.writelines(image)


def read_head(file: BinaryIO) -> SideloadHead:
    """Read the head; the file stands at the image then.

    Raises:
        MalformedError: it is no sideload file.
    """
    if file.read(len(MAGIC)) != MAGIC:
        raise MalformedError("no sideload file")
    length = int.from_bytes(file.read(_LENGTH_BYTES), "big")
    if not 0 < length <= _HEAD_MOST:
        raise MalformedError("the head of the sideload file is out of bounds")
    try:
        head = SideloadHead.FromString(file.read(length))
    except DecodeError:
        raise MalformedError("no head in the sideload file") from None
    if protovalidate.collect_violations(head):
        raise MalformedError("the head of the sideload file is not as the contract says")
    return head


def pieces(file: BinaryIO) -> Iterator[bytes]:
    """Yield what follows the head, piece by piece, to the end of the file."""
    while piece := file.read(PIECE):
        yield piece
