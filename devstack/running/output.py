"""Owns what people see and what is kept of it: prefixed lines on the console, one bounded file for each component."""

from __future__ import annotations

import sys
from collections import deque
from typing import IO, TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_COLOURS: Final = (36, 32, 33, 35, 34, 96, 92, 93)
_KEPT_BYTES: Final = 8 << 20
_LAST_LINES: Final = 30


class Console:
    """Writes prefixed lines, in colours where a person looks."""

    def __init__(self, stream: IO[str] | None = None, *, width: int = 12) -> None:
        self._stream = stream or sys.stdout
        self._width = width
        self._coloured = self._stream.isatty()
        self._order: dict[str, int] = {}

    def line(self, name: str, text: str) -> None:
        """Write one line of one component."""
        prefix = f"{name:>{self._width}} |"
        if self._coloured:
            colour = _COLOURS[self._order.setdefault(name, len(self._order)) % len(_COLOURS)]
            prefix = f"\x1b[{colour}m{prefix}\x1b[0m"
        self._stream.write(f"{prefix} {text}\n")
        self._stream.flush()


class Log:
    """What one component said: the last lines in memory, the rest in a file that is turned over when it is full."""

    def __init__(self, path: Path, name: str, console: Console | None) -> None:
        self.path, self._name, self._console = path, name, console
        self.last: deque[str] = deque(maxlen=_LAST_LINES)
        self._file = path.open("ab", buffering=0)
        self._bytes = self._file.tell()
        self._not_kept = 0

    def line(self, text: str) -> None:
        """Take one line. A disk without room costs the file this line, and the component nothing."""
        self.last.append(text)
        if self._console:
            self._console.line(self._name, text)
        said = f"({self._not_kept} lines could not be kept)\n" if self._not_kept else ""
        try:
            self._bytes += self._file.write(f"{said}{text}\n".encode())
            self._not_kept = 0
            if self._bytes > _KEPT_BYTES:
                self._turn_over()
        except OSError:
            self._not_kept += 1

    def _turn_over(self) -> None:
        self.path.replace(self.path.with_suffix(".1.log"))
        full, self._file = self._file, self.path.open("wb", buffering=0)
        full.close()
        self._bytes = 0

    def close(self) -> None:
        """Close the file."""
        self._file.close()
