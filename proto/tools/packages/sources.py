"""Owns which files of the repository go into a package, and what version and time it has."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, Final

from proto.tools.firmware.descriptors import ROOT

if TYPE_CHECKING:
    from pathlib import Path

VERSION_FILE: Final = ROOT / "proto" / "VERSION"
_NEVER: Final = frozenset({"__pycache__", "build", "node_modules", ".gitignore"})


def version() -> str:
    """Return the version of the contracts, which all packages share."""
    return VERSION_FILE.read_text().strip()


def epoch() -> int:
    """Return the time that files in a package have: SOURCE_DATE_EPOCH, or that of the last commit."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if given:
        return int(given)
    said = subprocess.run(["git", "log", "-1", "--format=%ct"], cwd=ROOT, capture_output=True, text=True, check=False)
    return int(said.stdout) if said.returncode == 0 else 315_532_800  # 1980: the earliest that a wheel can say


def below(folder: Path, at: str) -> dict[str, bytes]:
    """Return every file below ``folder`` that was written by people or generators, by its path below ``at``."""
    return {
        f"{at}{path.relative_to(folder).as_posix()}": path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not _NEVER & set(path.relative_to(folder).parts) and path.suffix != ".pyc"
    }
