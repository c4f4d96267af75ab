"""Owns proto/golden/index.tsv: what the JSON files say, as lines that a program without a JSON parser can read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sdk.golden.files import Vector

NAME: Final = Path("index.tsv")
_HEAD: Final = "# vector\tfact\tvalue; made from the JSON files\n"
_FOR_PEOPLE: Final = frozenset({"fields", "statement_fields", "steps", "unknown_field_numbers", "rules"})
_LONGEST: Final = 1024
_UNWRITABLE: Final = frozenset("\t\n\r")


def of(vectors: Iterable[Vector]) -> bytes:
    """Return the index of these vectors, in the order of their names."""
    lines = [
        f"{vector.folder}/{vector.name}\t{fact}\t{value}\n"
        for vector in sorted(vectors, key=lambda each: (each.folder, each.name))
        for fact, value in flat(vector)
    ]
    return (_HEAD + "".join(lines)).encode()


def flat(vector: Vector) -> Iterator[tuple[str, str]]:
    """Yield each fact as text, its path joined by dots; entries of a list are counted from 0.

    What people read, and what is long or would break a line, stands in the JSON alone.
    """
    for name, fact in vector.facts.items():
        if name not in _FOR_PEOPLE:
            yield from _walk(name, fact)


def _walk(path: str, fact: object) -> Iterator[tuple[str, str]]:
    if isinstance(fact, dict):
        for name, each in fact.items():
            yield from _walk(f"{path}.{name}", each)
    elif isinstance(fact, list):
        for number, each in enumerate(fact):
            yield from _walk(f"{path}.{number}", each)
    else:
        text = str(fact).lower() if isinstance(fact, bool) else "" if fact is None else str(fact)
        if len(text) <= _LONGEST and not _UNWRITABLE & set(text):
            yield path, text
