"""Owns finding a forbidden key wherever it hides in a tree: as a key, a path, a name beside a value, or an encoding.

Every text of the tree is looked at, not keys alone: `{name, value}` pairs and SenML carry their keys as values, and no
payload that is kept has a text at all. Texts are opened as JSON, base64, hexadecimal and percent-encoding, again and
again within a budget; one that needs more is dropped as too deep. So the cost is linear in the payload's length.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from ingest_svc.domain.filter import json_form, lexicon, text
from ingest_svc.domain.filter.allow import KEYS
from ingest_svc.domain.filter.verdict import DropReason, RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ingest_svc.domain.filter.lexicon import Lexicon

# Characters that may be looked at, all openings of all texts together: eight times the longest payload.
_BUDGET: Final = 8 * 16_384
# A text costs as many characters more, so that many short ones have a price too.
_TEXT_COST: Final = 8
# How many characters of a parent's key a key is read together with: {"door": {"open": …}}.
_PARENT: Final = 32
_BASE64: Final = (
    re.compile(r"[A-Za-z0-9+/]{4,}"),
    re.compile(r"[A-Za-z0-9_-]{4,}"),
    re.compile(r"[A-Za-z0-9]{4,}"),
)
_HEX: Final = re.compile(r"(?:[0-9A-Fa-f]{2}[ :-]?){3,}")
_HEX_SEPARATORS: Final = str.maketrans("", "", " :-")
_URL_ALPHABET: Final = str.maketrans("-_", "+/")
_JSON_STARTS: Final = ("{", "[", '"')


def refuse_forbidden(tree: object, words: Lexicon | None = None) -> None:
    """Refuse a tree that tells, anywhere and in any spelling, of what must not be told."""
    scan = _Scan(words or lexicon.standard())
    scan.value(tree, parent="", depth=0)
    if scan.finds():
        raise RefusedError(DropReason.FORBIDDEN_KEY)


class _Scan:
    """The texts of one payload, collected first and searched once."""

    def __init__(self, words: Lexicon) -> None:
        self._lexicon, self._budget = words, _BUDGET
        self._folded: list[str] = []
        self._hit = False

    def finds(self) -> bool:
        """Return whether anything forbidden was met."""
        return self._hit or (bool(self._folded) and self._lexicon.tells(self._folded))

    def value(self, value: object, *, parent: str, depth: int) -> None:
        """Look at a value and what is in it."""
        kind = type(value)
        if kind is int or kind is float:
            if parent and value in self._lexicon.ids_under(parent):
                self._hit = True
        elif kind is str:
            self._text(str(value), parent=parent, depth=depth)
        elif isinstance(value, dict):
            self._pairs(value.items(), parent, depth)
        elif isinstance(value, json_form.Pairs):
            self._pairs(value, parent, depth)
        elif isinstance(value, list):
            for each in value:
                self.value(each, parent=parent, depth=depth)
            self._senml(value)

    def _pairs(self, pairs: Iterable[tuple[str, object]], parent: str, depth: int) -> None:
        for key, value in pairs:
            inner = "" if key in KEYS else self._key(key, parent, depth)
            kind = type(value)
            if inner or (kind is not int and kind is not float):
                self.value(value, parent=inner, depth=depth)

    def _key(self, key: str, parent: str, depth: int) -> str:
        folded = self._spend(key)
        self._hit = self._hit or self._lexicon.names_id(folded, is_key=True) or self._lexicon.shows(key)
        self._folded.append(f"{parent}/{folded}" if parent else folded)
        self._open(key, depth)
        return folded[-_PARENT:]

    def _text(self, value: str, *, parent: str, depth: int) -> None:
        folded = self._spend(value)
        self._hit = self._hit or self._lexicon.names_id(folded, is_key=False) or self._lexicon.shows(value)
        if parent:
            ids = self._lexicon.ids_under(parent)
            self._hit = self._hit or (bool(ids) and not ids.isdisjoint(lexicon.numbers_in(folded)))
        self._folded.append(folded)
        self._open(value, depth)

    def _spend(self, value: str) -> str:
        self._budget -= len(value) + _TEXT_COST
        if self._budget < 0 or self._hit:
            raise RefusedError(DropReason.FORBIDDEN_KEY if self._hit else DropReason.TOO_DEEP)
        return text.fold(value)

    def _open(self, value: str, depth: int) -> None:
        """Look into what a text may be an encoding of."""
        if depth >= json_form.MAX_DEPTH:
            raise RefusedError(DropReason.TOO_DEEP)
        if value.lstrip()[:1] in _JSON_STARTS:
            inside = json_form.parse_inside(value)
            if inside is not None:
                self.value(inside, parent="", depth=depth + 1)
        for each in set(_openings(value)) - {value}:
            self._text(each, parent="", depth=depth + 1)

    def _senml(self, records: list[object]) -> None:
        """Join the names of SenML (RFC 8428): a base name holds for its record and those after it."""
        base = ""
        for each in records:
            record = dict(each) if isinstance(each, json_form.Pairs) else each
            if not isinstance(record, dict):
                continue
            given, name = record.get("bn"), record.get("n")
            base = given[-_PARENT:] if isinstance(given, str) else base
            if base and isinstance(name, str):
                self._text(base + name, parent="", depth=0)


def _openings(value: str) -> Iterator[str]:
    if "%" in value:
        yield unquote(value)
    for run in {run for pattern in _BASE64 for run in pattern.findall(value)}:
        found = _base64(run)
        if found:
            yield found
    for run in _HEX.findall(value):
        yield bytes.fromhex(run.translate(_HEX_SEPARATORS)).decode("utf-8", "replace")


def _base64(run: str) -> str:
    """Return what a run of base64 or base64url says; bytes that are no text are kept as such between letters."""
    plain = run.translate(_URL_ALPHABET)
    whole = plain[: len(plain) - 1] if len(plain) % 4 == 1 else plain
    try:
        raw = base64.b64decode(whole + "=" * (-len(whole) % 4))
    except binascii.Error:
        return ""
    found = raw.decode("utf-8", "replace")
    # What is mostly no text is a word that happens to be made of base64's letters.
    return found if found.count("\ufffd") * 2 <= len(found) else ""
