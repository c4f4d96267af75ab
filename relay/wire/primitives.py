"""Owns MQTT's data types (MQTT5 1.5): integers, strings, binary data. Knows no packet."""

from __future__ import annotations

from typing import Final

from relay.wire.codes import ReasonCode
from relay.wire.errors import WireError

MAX_VARIABLE_INTEGER: Final = 268_435_455
_MAX_BINARY: Final = 65_535


def malformed(clause: str, detail: str) -> WireError:
    """Return the refusal of bytes that are no packet."""
    return WireError(ReasonCode.MALFORMED_PACKET, clause, detail)


def protocol_error(clause: str, detail: str) -> WireError:
    """Return the refusal of a packet that may not say this."""
    return WireError(ReasonCode.PROTOCOL_ERROR, clause, detail)


def check_text(raw: bytes) -> bytes:
    """Return ``raw`` if it is a UTF-8 Encoded String: no surrogate, nothing overlong, no NUL."""
    if b"\x00" in raw:
        raise malformed("MQTT-1.5.4-2", "a string holds U+0000")
    try:
        raw.decode()
    except UnicodeDecodeError:
        raise malformed("MQTT-1.5.4-1", "a string is not UTF-8") from None
    return raw


class Reader:
    """Takes data types off the front of one packet's body; every length is checked before it is believed."""

    __slots__ = ("_data", "_end", "_pos")

    def __init__(self, data: bytes, start: int = 0, end: int | None = None) -> None:
        self._data = data
        self._pos = start
        self._end = len(data) if end is None else end

    @property
    def position(self) -> int:
        """Where the next byte stands."""
        return self._pos

    @property
    def left(self) -> int:
        """How many bytes are left."""
        return self._end - self._pos

    def take(self, count: int) -> bytes:
        """Return the next ``count`` bytes."""
        start = self._pos
        if count > self._end - start:
            raise malformed("MQTT5 4.13", "a field reaches past the end of its packet")
        self._pos = start + count
        return self._data[start : start + count]

    def byte(self) -> int:
        """Return one byte."""
        return self.take(1)[0]

    def two_bytes(self) -> int:
        """Return a Two Byte Integer."""
        return int.from_bytes(self.take(2), "big")

    def four_bytes(self) -> int:
        """Return a Four Byte Integer."""
        return int.from_bytes(self.take(4), "big")

    def variable(self) -> int:
        """Return a Variable Byte Integer; it uses the fewest bytes."""
        value = 0
        for shift in (0, 7, 14, 21):
            each = self.byte()
            value |= (each & 0x7F) << shift
            if each < 0x80:  # noqa: PLR2004 - the continuation bit
                if each == 0 and shift:
                    raise malformed("MQTT-1.5.5-1", "a length uses more bytes than it needs")
                return value
        raise malformed("MQTT5 1.5.5", "a length has more than four bytes")

    def binary(self) -> bytes:
        """Return Binary Data: two bytes of length, and the data."""
        return self.take(self.two_bytes())

    def text(self) -> bytes:
        """Return a UTF-8 Encoded String as its bytes."""
        return check_text(self.binary())

    def string(self) -> str:
        """Return a UTF-8 Encoded String."""
        return self.text().decode()

    def packet_id(self) -> int:
        """Return a packet identifier, which is never zero."""
        value = self.two_bytes()
        if value == 0:
            raise protocol_error("MQTT-2.2.1-3", "a packet identifier is zero")
        return value

    def rest(self) -> bytes:
        """Return all that is left."""
        return self.take(self._end - self._pos)

    def finish(self) -> None:
        """Refuse bytes that nothing asked for."""
        if self._pos != self._end:
            raise malformed("MQTT5 4.13", "a packet has bytes behind its end")


def encode_variable(value: int) -> bytes:
    """Return a Variable Byte Integer."""
    if not 0 <= value <= MAX_VARIABLE_INTEGER:
        msg = "a Variable Byte Integer has 28 bits"
        raise ValueError(msg)
    out = bytearray()
    while True:
        value, low = value >> 7, value & 0x7F
        if not value:
            out.append(low)
            return bytes(out)
        out.append(low | 0x80)


def encode_binary(value: bytes) -> bytes:
    """Return Binary Data."""
    if len(value) > _MAX_BINARY:
        msg = "Binary Data has at most 65,535 bytes"
        raise ValueError(msg)
    return len(value).to_bytes(2, "big") + value


def encode_string(value: str) -> bytes:
    """Return a UTF-8 Encoded String."""
    return encode_binary(check_text(value.encode()))


def encode_packet(first: int, body: bytes) -> bytes:
    """Return a whole packet: first byte, remaining length, body."""
    size = len(body)
    if size < 0x80:  # noqa: PLR2004 - one byte of length
        return bytes((first, size)) + body
    return bytes((first,)) + encode_variable(size) + body
