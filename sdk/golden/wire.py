"""Owns Protobuf fields written by hand: what an encoder of today would not write, and decoders must bear."""

from __future__ import annotations

VARINT, LENGTH = 0, 2
_LOW_BITS = 0x7F


def varint(value: int) -> bytes:
    """Encode an unsigned base-128 varint."""
    out = bytearray()
    while value > _LOW_BITS:
        out.append(0x80 | (value & _LOW_BITS))
        value >>= 7
    return bytes([*out, value])


def varint_field(number: int, value: int) -> bytes:
    """Encode one varint field."""
    return varint(number << 3 | VARINT) + varint(value)


def bytes_field(number: int, value: bytes) -> bytes:
    """Encode one length-delimited field."""
    return varint(number << 3 | LENGTH) + varint(len(value)) + value
