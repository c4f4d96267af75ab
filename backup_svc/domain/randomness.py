"""Owns the screen that finds bodies which are not sealed: plaintext, compressed, or encrypted block by block.

Each chunk is looked at by itself, and the whole so far. It finds mistakes of a writer; it is no proof of secrecy.
False alarms: the bounds are nine standard deviations wide, so of all containers ever written none is expected to fail.
"""

from __future__ import annotations

import zlib
from collections import Counter
from typing import Final

_LEAST: Final = 16_384  # below it the histograms say too little
_DEVIATIONS: Final = 9
_FREEDOM: Final = 255
_BLOCK: Final = 16
# How the files of widespread tools begin.
_KNOWN: Final = (
    b"age-encryption.org/",
    b"Salted__",
    b"-----BEGIN",
    b"\x1f\x8b",
    b"PK\x03\x04",
    b"\x28\xb5\x2f\xfd",
    b"\xfd7zXZ\x00",
    b"BZh",
    b"7z\xbc\xaf\x27\x1c",
    b"\x04\x22\x4d\x18",
    b"SQLite format 3",
    b"%PDF-",
    b"LUKS\xba\xbe",
)


class Screen:
    """Looks at the chunks of one body in their order."""

    def __init__(self) -> None:
        self._bytes: Counter[int] = Counter()
        self._neighbours: Counter[int] = Counter()
        self._first = True

    def looks_random(self, chunk: bytes) -> bool:
        """Tell whether the body is random as far as it was seen, this chunk included."""
        first, self._first = self._first, False
        if first and chunk.startswith(_KNOWN):
            return False
        found = Counter(chunk)
        pairs = Counter(
            int.to_bytes(int.from_bytes(chunk[1:], "big") ^ int.from_bytes(chunk[:-1], "big"), len(chunk) - 1)
        )
        self._bytes.update(found)
        self._neighbours.update(pairs)
        counts = (found, pairs, self._bytes, self._neighbours)
        return all(map(_is_even, counts)) and not _repeats(chunk) and len(zlib.compress(chunk, 1)) >= len(chunk)


def _is_even(counts: Counter[int]) -> bool:
    """Tell whether a histogram is as even as chance makes it, by chi-square over 256 values."""
    total = counts.total()
    if total < _LEAST:
        return True
    expected = total / 256
    squares = sum((counts[value] - expected) ** 2 for value in range(256)) / expected
    return bool(abs(squares - _FREEDOM) <= _DEVIATIONS * (2 * _FREEDOM) ** 0.5)


def _repeats(chunk: bytes) -> bool:
    """Tell whether a block of 16 bytes is there twice, as a cipher without chaining leaves it."""
    blocks = [chunk[at : at + _BLOCK] for at in range(0, len(chunk) - _BLOCK + 1, _BLOCK)]
    return len(set(blocks)) < len(blocks)
