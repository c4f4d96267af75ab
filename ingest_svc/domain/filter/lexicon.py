"""Owns reading the lexicon, and its one question: does this key tell of what must not be told? Knows no payload."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from ingest_svc.domain.filter import text as texts

_PATH: Final = Path(__file__).with_name("lexicon.toml")
_CONCEPTS: Final = ("camera", "microphone", "presence", "contact")
# A short word may have one qualifier glued to it; longer segments are no such word.
_LONGEST_GLUED: Final = 24
_HEX: Final = re.compile(r"(?<![0-9a-z])0x0*([0-9a-f]{1,8})(?![0-9a-f])", re.IGNORECASE)
_BARE_HEX: Final = re.compile(r"0[0-9a-f]{3}", re.IGNORECASE)
_NUMBERS: Final = re.compile(r"[0-9]{1,10}(?:[^0-9A-Za-z]+[0-9]{1,10})*")
_NUMBER: Final = re.compile(r"[0-9]{1,10}")
_MATTER_PATH: Final = re.compile(r"(?<![0-9])[0-9]{1,5}/([0-9]{1,10})/[0-9]{1,10}(?![0-9])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lexicon:
    """The words, each as the skeleton that keys are compared by."""

    version: int
    languages: frozenset[str]
    stems: tuple[str, ...]
    symbols: frozenset[str]
    words: frozenset[str]
    qualifiers: frozenset[str]
    clusters: frozenset[int]
    device_types: frozenset[int]
    cluster_keys: tuple[str, ...]
    device_type_keys: tuple[str, ...]

    def tells(self, parts: list[str]) -> bool:
        """Return whether one of these folded texts has a stem or a word."""
        joined = [texts.skeleton(each) for each in parts]
        # One search a stem, whatever the number of texts: the cost is the length.
        whole = "\n".join(joined)
        haystacks = (whole, texts.pairs_as_one(whole))
        if any(stem in haystack for stem in self.stems for haystack in haystacks):
            return True
        if not self.words.isdisjoint(joined):
            return True
        return any(self._has_word(each) for each in parts)

    def shows(self, original: str) -> bool:
        """Return whether a text has one of the pictures."""
        return not self.symbols.isdisjoint(texts.symbols(original))

    def names_id(self, folded: str, *, is_key: bool) -> bool:
        """Return whether a text spells the number of a forbidden Matter cluster, or of a device type after its key."""
        found = {int(each, 16) for each in _HEX.findall(folded)}
        found.update(int(each) for each in _MATTER_PATH.findall(folded))
        plain = folded.strip()
        if is_key:
            if _BARE_HEX.fullmatch(plain):
                found.add(int(plain, 16))
            if _NUMBERS.fullmatch(plain):
                found.update(int(each) for each in _NUMBER.findall(plain))
        return not self.clusters.isdisjoint(found)

    def ids_under(self, folded_key: str) -> frozenset[int]:
        """Return the numbers that must not stand below a key; nothing unless the key says that ids follow."""
        joined = texts.skeleton(folded_key)
        if any(each in joined for each in self.cluster_keys):
            return self.clusters
        return self.device_types if any(each in joined for each in self.device_type_keys) else frozenset()

    def _has_word(self, folded: str) -> bool:
        found = texts.words(folded)
        return not self.words.isdisjoint(found) or any(self._is_glued(each) for each in found)

    def _is_glued(self, segment: str) -> bool:
        if len(segment) > _LONGEST_GLUED:
            return False
        cuts = ((segment[:at], segment[at:]) for at in range(1, len(segment)))
        return any(
            (one in self.words and other in self.qualifiers) or (other in self.words and one in self.qualifiers)
            for one, other in cuts
        )


def numbers_in(folded: str) -> set[int]:
    """Return every number that a text may spell, in decimal or hexadecimal."""
    found = {int(each) for each in _NUMBER.findall(folded)}
    found.update(int(each, 16) for each in _HEX.findall(folded))
    if _BARE_HEX.fullmatch(folded.strip()):
        found.add(int(folded.strip(), 16))
    return found


def read(raw: dict[str, Any]) -> Lexicon:
    """Return the lexicon that the data file says."""
    concepts = [raw[each] for each in _CONCEPTS]
    languages = {language for each in concepts for language in each["stems"]} - {"symbols"}
    stems = [
        stem for each in concepts for name, listed in each["stems"].items() if name in languages for stem in listed
    ]
    return Lexicon(
        version=raw["version"],
        languages=frozenset(languages),
        stems=tuple(sorted({_skeleton(each) for each in (*stems, *raw["matter"]["stems"])}, key=len)),
        symbols=frozenset(symbol for each in concepts for symbol in each["stems"]["symbols"]),
        words=frozenset(_skeleton(word) for each in concepts for listed in each["words"].values() for word in listed),
        qualifiers=frozenset(map(_skeleton, raw["qualifiers"])),
        clusters=frozenset(raw["matter"]["clusters"]),
        device_types=frozenset(raw["matter"]["device_types"]),
        cluster_keys=tuple(map(_skeleton, raw["matter"]["cluster_keys"])),
        device_type_keys=tuple(map(_skeleton, raw["matter"]["device_type_keys"])),
    )


def _skeleton(word: str) -> str:
    found = texts.skeleton(texts.fold(word))
    if not found:
        raise ValueError("a word of the lexicon has no letter")
    return found


@cache
def standard() -> Lexicon:
    """Return the lexicon of this version."""
    return read(tomllib.loads(_PATH.read_text(encoding="utf-8")))
