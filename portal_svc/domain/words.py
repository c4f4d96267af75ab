"""Owns by what projects are found: keyed digests of the beginnings of their words, so that no word is stored."""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

SHORTEST: Final = 2
_LONGEST: Final = 16
_MOST: Final = 4000
_DIGEST_BYTES: Final = 8
_WORD: Final = re.compile(r"\w+")


def words_of(text: str) -> list[str]:
    """Return the words of a text; case and accents do not count."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return _WORD.findall("".join(each for each in plain if not unicodedata.combining(each)))


def index(key: bytes, texts: Iterable[str]) -> list[bytes]:
    """Return the digests of every beginning of every word."""
    beginnings = {
        word[:length]
        for text in texts
        for word in words_of(text)
        for length in range(SHORTEST, min(len(word), _LONGEST) + 1)
    }
    return sorted(_digest(key, each) for each in sorted(beginnings)[:_MOST])


def question(key: bytes, query: str) -> list[bytes]:
    """Return the digests that a project must have; words that are too short ask for nothing."""
    return sorted({_digest(key, word[:_LONGEST]) for word in words_of(query) if len(word) >= SHORTEST})


def _digest(key: bytes, beginning: str) -> bytes:
    return hmac.digest(key, beginning.encode(), hashlib.sha256)[:_DIGEST_BYTES]
