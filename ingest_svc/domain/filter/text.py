"""Owns the one form in which texts are compared, so that a spelling does not hide a word. Knows no word.

``fold`` keeps capitals, because camelCase is told by them; ``skeleton`` is what is left when spelling is taken away.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from pathlib import Path
from typing import Final

# One entry a character that was met; an attacker must not fill the memory with all of Unicode.
_MOST_REMEMBERED: Final = 20_000
_DROPPED: Final = frozenset({"Cf", "Mn", "Me", "Cn", "Co"})
_LETTER: Final = re.compile(
    r"(?:LATIN|NEGATIVE|REGIONAL)(?: .*?)??(?: (SMALL|CAPITAL))?(?: SYMBOL)? LETTER "
    r"(?:SMALL CAPITAL |DOTLESS |SCRIPT |TURNED |REVERSED |OPEN |INSULAR )?([A-Z])(?: WITH .*)?"
)
_DIGITS_AS_LETTERS: Final = str.maketrans(
    {"0": "o", "1": "l", "i": "l", "|": "l", "!": "l", "3": "e", "4": "a", "@": "a", "5": "s", "$": "s", "7": "t"}
    | {"8": "b", "6": "g", "9": "g"}
)
_NO_LETTER: Final = re.compile(r"[\W_]+")
_CAMEL: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W\d_A-Za-z]+")
_SYMBOL: Final = frozenset({"So", "Sk"})


class _Folds(dict[int, str]):
    """Each character's plain form, found when it is first met."""

    def __missing__(self, point: int) -> str:
        plain = _plain(chr(point))
        if len(self) < _MOST_REMEMBERED:
            self[point] = plain
        return plain


def _plain(character: str) -> str:
    category = unicodedata.category(character)
    if character == "\0" or category in _DROPPED:
        return ""
    if category == "Nd":
        return str(unicodedata.decimal(character))
    found = _LETTER.fullmatch(unicodedata.name(character, ""))
    if found is None:
        return character
    return found[2].lower() if found[1] == "SMALL" else found[2]


def _confusables() -> dict[int, str]:
    table = tomllib.loads(Path(__file__).with_name("confusables.toml").read_text(encoding="utf-8"))
    found: dict[int, str] = {}
    for plain, look_alikes in table["look_alikes"].items():
        for each in look_alikes:
            if found.setdefault(ord(each), plain) != plain:
                raise ValueError(f"U+{ord(each):04X} looks like two letters in confusables.toml")
    return found


_FOLDS: Final = _Folds(_confusables())


def fold(text: str) -> str:
    """Return ``text`` in plain letters: compatibility forms, marks, look-alikes and what is not seen are gone."""
    if text.isascii():
        return text.replace("\0", "")
    return unicodedata.normalize("NFKD", text).translate(_FOLDS)


def skeleton(folded: str) -> str:
    """Return the letters of a folded text, small, in one run; digits that stand for letters are letters."""
    return _NO_LETTER.sub("", folded.casefold().translate(_DIGITS_AS_LETTERS))


def pairs_as_one(joined: str) -> str:
    """Return a skeleton in which two letters that look like one are that one."""
    return joined.replace("rn", "m").replace("vv", "w")


def words(folded: str) -> set[str]:
    """Return the skeletons of the words of a folded text, by separators and by camelCase."""
    found = set()
    for segment in _NO_LETTER.split(folded):
        if segment:
            found.add(skeleton(segment))
            found.update(map(skeleton, _CAMEL.findall(segment)))
    return found


def symbols(text: str) -> set[str]:
    """Return the pictures in a text."""
    return set() if text.isascii() else {each for each in text if unicodedata.category(each) in _SYMBOL}
