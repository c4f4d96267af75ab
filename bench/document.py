"""Owns `docs/benchmarks.md`: each suite has one section in it, between marks, and writes no other."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_HEAD: Final = """# Benchmarks

What `make bench` has measured. Each suite writes its own section; figures of two machines are not comparable, ratios
within one run are. `python -m bench SUITE --quick` is the short form; it writes nothing here.
"""


def _marks(suite: str) -> tuple[str, str]:
    return f"<!-- {suite}: begin, written by `python -m bench {suite}` -->", f"<!-- {suite}: end -->"


def replaced(text: str, suite: str, section: str) -> str:
    """Return the document with this section in the place of the suite's last one, or behind all others."""
    begin, end = _marks(suite)
    new = f"{begin}\n{section.strip()}\n{end}"
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    if pattern.search(text):
        return pattern.sub(lambda _: new, text)
    return f"{text.rstrip()}\n\n{new}\n"


def write(path: Path, suite: str, section: str) -> None:
    """Write a suite's section."""
    text = path.read_text() if path.exists() else _HEAD
    path.write_text(replaced(text, suite, section))
