"""Owns the disks that are filled up: small file systems in memory, laid under folders of the stack before its start."""

from __future__ import annotations

import errno
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.faults.means import run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_AT_ONCE: Final = bytes(1 << 20)


@dataclass(frozen=True, slots=True)
class Disk:
    """One of them."""

    folder: Path
    megabytes: int

    def lay(self) -> None:
        """Put it under its folder."""
        self.folder.mkdir(parents=True, exist_ok=True)
        run("mount", "-t", "tmpfs", "-o", f"size={self.megabytes}m,mode=700", "tmpfs", str(self.folder))

    @contextmanager
    def full(self) -> Iterator[None]:
        """Leave no room on it."""
        filler = self.folder / "filler"
        try:
            with filler.open("wb", buffering=0) as file:
                _fill(file.write)
            yield
        finally:
            filler.unlink()


def _fill(write: Callable[[bytes], int | None]) -> None:
    while True:
        try:
            write(_AT_ONCE)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            return
