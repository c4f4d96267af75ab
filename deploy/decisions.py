"""Owns the list of the decisions: ``python -m deploy.decisions`` writes ``docs/adr/README.md`` anew."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Final

from devstack.bootstrap import ROOT

if TYPE_CHECKING:
    from pathlib import Path

FOLDER: Final = ROOT / "docs" / "adr"
LIST: Final = FOLDER / "README.md"
_NUMBER: Final = re.compile(r"^#\s*(?:ADR )?\d{1,4}[:.]?\s*(?:-\s*)?")
_HEAD: Final = """# Decisions

What is costly to reverse: the question, what was compared, what was decided, what it costs. Numbers go by area. This
list is made by `python -m deploy.decisions`.

"""


def text(folder: Path = FOLDER) -> str:
    """Return the list of the decisions in a folder, by number."""
    files = sorted(each for each in folder.glob("[0-9]*.md"))
    return _HEAD + "".join(f"- [{each.name[:4]}]({each.name}) {_title(each)}\n" for each in files)


def _title(decision: Path) -> str:
    first = decision.read_text().splitlines()[0]
    return _NUMBER.sub("", first)


def main() -> int:
    """Write the list."""
    LIST.write_text(text())
    return 0


if __name__ == "__main__":
    sys.exit(main())
