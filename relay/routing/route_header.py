"""Owns the header gate: the few facts of an Envelope that routing needs, and what may not be in it.

Reads the bytes where they are and never writes them: what is forwarded is what came. Knows nothing of `sealed` but its
length. There are two readers: a pattern for the spelling that every encoder of ours produces, and a scanner for any
other legal Protobuf. They agree (tests/unit/relay/routing/test_route_header.py).
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from relay.routing.reasons import Refusal

APP: Final = 1
HUB: Final = 2
INSTALLER_CONFIG: Final = 3

MAX_HEADER: Final = 512
MAX_SEALED: Final = 65_536
MAX_ENVELOPE: Final = 66 * 1024
_MAX_TTL_MS: Final = 604_800_000
_MAX_PAD_BUCKET: Final = 8
_ID: Final = 16
_CLASSES: Final = 4
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


class RouteView(NamedTuple):
    """What routing reads of one envelope."""

    hub_id: bytes
    message_id: bytes
    sender_kind: int
    peer_id: bytes
    envelope_class: int
    ttl_ms: int


# Envelope: 0a len RouteHeader, 12 len sealed. RouteHeader in the order of its numbers:
#   08 version, 12 hub_id(16), 1a message_id(16), 20 sender_kind, 2a peer_id(16), 30 class, 38 created_ms, 40 ttl_ms,
#   48 key_epoch, 50 seq, 58 lock_epoch, 60 pad_bucket, 6a trace(16)
# What differs between two envelopes of one conversation stands in the identifier and in `_REST`.
_REST: Final = (
    rb"[\x80-\xff]{0,8}[\x01-\x7f]"
    rb"(?:\x40([\x80-\xff]{0,3}[\x00-\x7f]))?"
    rb"(?:\x48[\x80-\xff]{0,3}[\x00-\x7f])?"
    rb"(?:\x50[\x80-\xff]{0,8}[\x00-\x7f])?"
    rb"(?:\x58[\x80-\xff]{0,8}[\x00-\x7f])?"
    rb"(?:\x60[\x00-\x08])?"
    rb"(?:\x6a\x10.{16})?"
)
_CANONICAL: Final = re.compile(
    rb"\x0a[\x00-\x7f]"
    rb"\x08\x01\x12\x10(.{16})\x1a\x10(.{16})\x20([\x01\x02])\x2a\x10(.{16})\x30([\x01-\x04])"
    rb"\x38" + _REST,
    re.DOTALL,
)
# Offsets in such an envelope: the message id, and what stands behind it and behind created_ms's tag.
MESSAGE_AT: Final = 24
SENDER_AT: Final = 40
REST_AT: Final = 63
rest_matches: Final = re.compile(_REST, re.DOTALL).fullmatch


class Alike(NamedTuple):
    """What envelopes of one conversation and one length have in common, so that it need not be read again.

    An envelope at ``at`` reads like the first one, but for its message id, when all four hold: ``data`` has ``head`` at
    ``at``, ``sender`` at ``at + SENDER_AT``, ``sealed`` at ``at + sealed_at``, and ``rest_matches(data, at + REST_AT,
    at + sealed_at)``.
    """

    head: bytes
    sender: bytes
    sealed_at: int
    sealed: bytes
    peer_id: bytes


class HeaderGate:
    """Reads envelopes, and refuses those that use what is shut."""

    __slots__ = ("_shut",)

    def __init__(self, shut: frozenset[int]) -> None:
        self._shut = shut

    def read(self, data: bytes, start: int, end: int) -> RouteView | Refusal:
        """Return what routing needs of the envelope in ``data[start:end]``, or why it is refused."""
        if end - start > MAX_ENVELOPE:
            return Refusal.TOO_LARGE
        match = _CANONICAL.match(data, start, end)
        if match is not None:
            after = match.end()
            if after == start + 2 + data[start + 1] and _sealed_fills(data, after, end):
                hub_id, message_id, kind, peer_id, class_, ttl = match.groups()
                ttl_ms = _varint_value(ttl) if ttl is not None else 0
                if ttl_ms <= _MAX_TTL_MS:
                    return RouteView(hub_id, message_id, kind[0], peer_id, class_[0], ttl_ms)
        return self._scan(data, start, end)

    @staticmethod
    def alike(data: bytes, start: int, end: int) -> Alike | None:
        """Return what others have in common with the envelope in ``data[start:end]``, which ``read`` has let pass.

        None when it has another spelling than `_CANONICAL`.
        """
        match = _CANONICAL.match(data, start, end)
        if match is None or match.end() != start + 2 + data[start + 1]:
            return None
        after = match.end()
        sealed = 2
        while data[after + sealed - 1] & 0x80:
            sealed += 1
        return Alike(
            data[start : start + MESSAGE_AT],
            data[start + SENDER_AT : start + REST_AT],
            after - start,
            data[after : after + sealed],
            match[4],
        )

    def _scan(self, data: bytes, start: int, end: int) -> RouteView | Refusal:
        try:
            fields = _fields(data, start, end)
            header, sealed = fields.get(1), fields.get(2)
            if not isinstance(header, tuple) or not isinstance(sealed, tuple):
                return Refusal.HEADER_INVALID
            if not 0 < sealed[1] - sealed[0] <= MAX_SEALED:
                return Refusal.TOO_LARGE if sealed[1] > sealed[0] else Refusal.HEADER_INVALID
            if header[1] - header[0] > MAX_HEADER:
                return Refusal.HEADER_INVALID
            return self._view(data, _fields(data, *header))
        except (ValueError, IndexError):
            return Refusal.HEADER_INVALID

    def _view(self, data: bytes, fields: dict[int, int | tuple[int, int]]) -> RouteView | Refusal:
        if fields.get(1, 0) != 1:
            return Refusal.VERSION_UNSUPPORTED
        if not self._shut.isdisjoint(fields):
            return Refusal.GATE_SHUT
        hub_id, message_id, peer_id = (_bytes(data, fields, number) for number in (2, 3, 5))
        kind, class_, created, ttl = (_integer(fields, number) for number in (4, 6, 7, 8))
        for number in (9, 10, 11):
            _integer(fields, number)
        if len(_bytes(data, fields, 13)) not in (0, _ID) or _integer(fields, 12) > _MAX_PAD_BUCKET:
            return Refusal.HEADER_INVALID
        if not (len(hub_id) == len(message_id) == len(peer_id) == _ID and kind in (APP, HUB) and created):
            return Refusal.HEADER_INVALID
        if not 1 <= class_ <= _CLASSES or ttl > _MAX_TTL_MS:
            return Refusal.HEADER_INVALID
        return RouteView(hub_id, message_id, kind, peer_id, class_, ttl)


def _sealed_fills(data: bytes, at: int, end: int) -> bool:
    if at >= end or data[at] != 0x12:  # noqa: PLR2004 - field 2, length-delimited
        return False
    size, after = 0, at + 1
    for shift in (0, 7, 14):
        if after >= end:
            return False
        each = data[after]
        after += 1
        size |= (each & 0x7F) << shift
        if each < 0x80:  # noqa: PLR2004 - the continuation bit
            return 0 < size <= MAX_SEALED and after + size == end
    return False


def _varint_value(raw: bytes) -> int:
    value = 0
    for index, each in enumerate(raw):
        value |= (each & 0x7F) << 7 * index
    return value


def _varint(data: bytes, at: int, end: int) -> tuple[int, int]:
    value, shift = 0, 0
    while at < end and shift < 70:  # noqa: PLR2004 - ten bytes of seven bits
        each = data[at]
        at += 1
        value |= (each & 0x7F) << shift
        if each < 0x80:  # noqa: PLR2004 - the continuation bit
            if value >> 64:
                break
            return value, at
        shift += 7
    msg = "a varint is cut or too long"
    raise ValueError(msg)


def _fields(data: bytes, start: int, end: int) -> dict[int, int | tuple[int, int]]:
    """Return every field: integers by value, bytes by place; a number that stands twice has two meanings: refused."""
    fields: dict[int, int | tuple[int, int]] = {}
    at = start
    while at < end:
        tag, at = _varint(data, at, end)
        number, kind = tag >> 3, tag & 7
        value: int | tuple[int, int]
        if kind == _VARINT:
            value, at = _varint(data, at, end)
        elif kind == _BYTES:
            size, at = _varint(data, at, end)
            value = (at, at + size)
            at += size
        elif kind in (_FIXED64, _FIXED32):
            size = 8 if kind == _FIXED64 else 4
            value = (at, at + size)
            at += size
        else:
            raise ValueError("a group or an unknown wire type")
        if at > end or not 0 < number < 1 << 29 or (number in fields and number < 64):  # noqa: PLR2004 - our numbers
            raise ValueError("a field is cut, out of range or stands twice")
        fields[number] = value
    return fields


def _bytes(data: bytes, fields: dict[int, int | tuple[int, int]], number: int) -> bytes:
    value = fields.get(number, (0, 0))
    if isinstance(value, int):
        raise ValueError("bytes are wanted")  # noqa: TRY004 - the field, not its type, is wrong
    return data[value[0] : value[1]]


def _integer(fields: dict[int, int | tuple[int, int]], number: int) -> int:
    value = fields.get(number, 0)
    if not isinstance(value, int):
        raise ValueError("an integer is wanted")  # noqa: TRY004 - the field, not its type, is wrong
    return value
