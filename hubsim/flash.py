"""Owns cells that survive, as files: one write is whole or was not. Knows nothing of what is in them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote


@dataclass(frozen=True, slots=True)
class FileFlash:
    """A flash in a folder."""

    folder: Path

    def read(self, cell: str) -> bytes:
        """Return a cell; empty if it was never written."""
        try:
            return self._path(cell).read_bytes()
        except FileNotFoundError:
            return b""

    def write(self, cell: str, value: bytes) -> None:
        """Write one cell whole, or leave it as it was."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self._path(cell)
        draft = path.with_name(f"{path.name}.new")
        with draft.open("wb") as file:
            file.write(value)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)

    def _path(self, cell: str) -> Path:
        return self.folder / quote(cell, safe=" ")
