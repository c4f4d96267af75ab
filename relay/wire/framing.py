"""Owns where one packet ends and the next begins. Knows nothing of what is inside.

byte 0        packet type << 4 | flags
byte 1..4     remaining length, a Variable Byte Integer
then          as many bytes
"""

from __future__ import annotations

from typing import Final, NamedTuple

from relay.wire.codes import PacketType, ReasonCode
from relay.wire.errors import WireError
from relay.wire.primitives import malformed

#   byte 0      packet type << 4 | flags
#   byte 1..4   remaining length, a Variable Byte Integer
#   then        as many bytes
_PUBLISH_LOW: Final = PacketType.PUBLISH << 4
_QOS_BITS: Final = 0b0110
_LONGEST_LENGTH: Final = 4

# MQTT5 table 2-2: PUBLISH has flags of its own, every other packet has exactly these.
_FLAGS: Final = {
    each: 2 if each in (PacketType.PUBREL, PacketType.SUBSCRIBE, PacketType.UNSUBSCRIBE) else 0
    for each in PacketType
    if each is not PacketType.PUBLISH
}
_FIRST_BYTES: Final = frozenset(each << 4 | flags for each, flags in _FLAGS.items()) | frozenset(
    _PUBLISH_LOW | flags for flags in range(16) if flags & _QOS_BITS != _QOS_BITS
)


class Frame(NamedTuple):
    """One whole packet inside a buffer."""

    first: int
    body: int
    end: int


def next_frame(data: bytes, position: int, longest: int) -> Frame | None:
    """Return the packet at ``position``, or None while it is not whole; refuse what can never become one.

    ``longest`` bounds the whole packet and is held against the announced length, before anything is kept.
    """
    size = len(data)
    if position >= size:
        return None
    first = data[position]
    if first not in _FIRST_BYTES:
        raise malformed("MQTT-2.1.3-1", "a packet's first byte is none that exists")
    at, shift, length = position + 1, 0, 0
    while True:
        if at >= size:
            return None
        each = data[at]
        at += 1
        length |= (each & 0x7F) << shift
        if each < 0x80:  # noqa: PLR2004 - the continuation bit
            break
        shift += 7
        if at - position > _LONGEST_LENGTH:
            raise malformed("MQTT5 2.1.4", "a remaining length has more than four bytes")
    if each == 0 and shift:
        raise malformed("MQTT-1.5.5-1", "a remaining length uses more bytes than it needs")
    end = at + length
    if end - position > longest:
        raise WireError(ReasonCode.PACKET_TOO_LARGE, "MQTT-3.2.2-15", "a packet is larger than the maximum")
    return Frame(first, at, end) if end <= size else None
