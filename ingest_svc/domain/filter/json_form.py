"""Owns the strict reading of JSON (RFC 8259): one text has one meaning, or it is refused. Knows no key.

Python's parser recurses, so the depth is found before it runs; its integers cost the square of their length, so long
ones are found before it runs too.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from ingest_svc.domain.filter.verdict import DropReason, RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_DEPTH: Final = 16
MAX_KEYS: Final = 256
# No number of ours has more digits; a longer one is out of every range.
_LONG_NUMBER: Final = re.compile(rb"[0-9]{20}")
_STRING: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_BRACKET: Final = re.compile(rb"[\[\]{}]")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_ESCAPED_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")


def parse(payload: bytes) -> object:
    """Return the value that ``payload`` is, or refuse it."""
    check_bounds(payload)
    try:
        text = payload.decode("utf-8")
    except UnicodeDecodeError:
        raise RefusedError(DropReason.NOT_UTF8) from None
    try:
        tree: object = _STRICT.decode(text) if _LONG_NUMBER.search(payload) is None else _COUNTING.decode(text)
    except ValueError:
        raise RefusedError(DropReason.MALFORMED) from None
    if _ESCAPED_SURROGATE.search(payload) is not None:
        _refuse_surrogates(tree)
    return tree


def check_bounds(payload: bytes) -> None:
    """Refuse a payload that is too deep or has too many keys, before anything is built of it."""
    if payload.count(b"{") + payload.count(b"[") <= MAX_DEPTH and payload.count(b":") <= MAX_KEYS:
        return
    bare = _STRING.sub(b'""', payload)
    depth = 0
    for bracket in _BRACKET.findall(bare):
        depth += 1 if bracket in b"[{" else -1
        if depth > MAX_DEPTH:
            raise RefusedError(DropReason.TOO_DEEP)
    if bare.count(b":") > MAX_KEYS:
        raise RefusedError(DropReason.TOO_MANY_KEYS)


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise RefusedError(DropReason.DUPLICATE_KEY)
    return found


def _no_number(_text: str) -> object:
    raise RefusedError(DropReason.NOT_A_NUMBER)


def _integer(text: str) -> int:
    if len(text) > 19:  # noqa: PLR2004 - the digits of a 64-bit number
        raise RefusedError(DropReason.NOT_A_NUMBER)
    return int(text)


def _refuse_surrogates(tree: object) -> None:
    """Refuse half a character: it passes the parser as an escape and is no text."""
    rest = [tree]
    while rest:
        match rest.pop():
            case str() as text:
                if _SURROGATE.search(text) is not None:
                    raise RefusedError(DropReason.NOT_UTF8)
            case dict() as found:
                rest.extend(found)
                rest.extend(found.values())
            case list() as found:
                rest.extend(found)


def _decoder(parse_int: object = None) -> json.JSONDecoder:
    return json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_number, parse_int=parse_int)  # type: ignore[arg-type]


_STRICT: Final = _decoder()
_COUNTING: Final = _decoder(_integer)


class Pairs(list[tuple[str, object]]):
    """An object of a text inside a text, every pair of it, also those whose key comes twice."""


def _pairs(pairs: Iterable[tuple[str, object]]) -> Pairs:
    return Pairs(pairs)


_LOOSE: Final = json.JSONDecoder(object_pairs_hook=_pairs, parse_int=float, strict=False)


def parse_inside(text: str) -> object | None:
    """Return what a text inside a payload says as JSON; None if it is none. Bounds are those of a payload."""
    check_bounds(text.encode("utf-8", "replace"))
    try:
        return _LOOSE.decode(text)  # type: ignore[no-any-return]
    except ValueError:
        return None
