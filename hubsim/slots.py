"""Owns the two firmware slots and the boot loader's rule between them. Knows no network, no metadata and no permit.

Everything that has to outlive a cut of power is in `Flash`, which writes one cell at a time: a cut comes between two
cells, or in the middle of an image. The boot loader boots what is whole and confirmed, and tries a new slot once.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

SLOTS: Final = ("A", "B")


class PowerLossError(Exception):
    """The power is gone. What was written is written."""


class Flash(Protocol):
    """Cells that survive."""

    def read(self, cell: str) -> bytes:
        """Return a cell; empty if it was never written."""

    def write(self, cell: str, value: bytes) -> None:
        """Write one cell whole, or raise `PowerLossError` and leave it as it was."""


@dataclass(slots=True)
class MemoryFlash:
    """A flash in memory that loses its power at a write of the caller's choice."""

    cells: dict[str, bytes] = field(default_factory=dict)
    writes: int = 0
    lose_power_at: int | None = None

    def read(self, cell: str) -> bytes:
        """Return a cell."""
        return self.cells.get(cell, b"")

    def write(self, cell: str, value: bytes) -> None:
        """Write one cell, or lose the power before."""
        if self.writes == self.lose_power_at:
            self.lose_power_at = None
            raise PowerLossError
        self.writes += 1
        self.cells[cell] = value


@dataclass(frozen=True, slots=True, kw_only=True)
class Booted:
    """What runs after a boot."""

    slot: str
    boot_count: int
    firmware_sequence: int
    firmware_version: str
    trial: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Firmware:
    """What a slot is filled with."""

    sequence: int
    version: str
    digest: bytes


class Slots:
    """Two slots: one runs, the other is written."""

    def __init__(self, flash: Flash) -> None:
        self._flash = flash

    def manufacture(self, sequence: int, image: bytes, version: str = "factory") -> None:
        """Put the first firmware into slot A."""
        self._fill("A", Firmware(sequence=sequence, version=version, digest=hashlib.sha256(image).digest()), [image])
        self._flash.write("confirmed", b"A")

    def boot(self) -> Booted:
        """Do what the boot loader does: try a whole new slot once, else run the confirmed one."""
        count = int.from_bytes(self._flash.read("boots"), "big") + 1
        self._flash.write("boots", count.to_bytes(4, "big"))
        confirmed, wanted = self._flash.read("confirmed").decode(), self._flash.read("try").decode()
        if wanted and self._is_whole(wanted):
            # Forgotten before it runs: a slot that does not hold is not tried again.
            self._flash.write("try", b"")
            return self._booted(wanted, count, trial=True)
        return self._booted(confirmed, count, trial=False)

    def install(self, firmware: Firmware, pieces: Iterable[bytes]) -> None:
        """Write the slot that does not run, and ask the boot loader to try it."""
        slot = self._other()
        self._flash.write("try", b"")
        self._fill(slot, firmware, pieces)
        self._flash.write("try", slot.encode())

    def confirm(self, slot: str) -> None:
        """Keep the slot that runs on trial: one write, so that there is no moment without a slot to boot."""
        self._flash.write("confirmed", slot.encode())

    def running(self, booted: Booted) -> Booted:
        """Return what runs as it is now: on trial until it is kept."""
        kept = self._flash.read("confirmed").decode() == booted.slot
        return replace(booted, trial=booted.trial and not kept)

    def _fill(self, slot: str, firmware: Firmware, pieces: Iterable[bytes]) -> None:
        # The seal is broken first, so that a slot that is half written is never taken for whole.
        self._flash.write(f"{slot} seal", b"")
        count = 0
        for piece in pieces:
            self._flash.write(f"{slot} {count}", piece)
            count += 1
        self._flash.write(f"{slot} count", count.to_bytes(4, "big"))
        self._flash.write(f"{slot} sequence", firmware.sequence.to_bytes(8, "big"))
        self._flash.write(f"{slot} version", firmware.version.encode())
        self._flash.write(f"{slot} seal", firmware.digest)

    def _is_whole(self, slot: str) -> bool:
        count = int.from_bytes(self._flash.read(f"{slot} count"), "big")
        hasher = hashlib.sha256()
        for index in range(count):
            hasher.update(self._flash.read(f"{slot} {index}"))
        return hasher.digest() == self._flash.read(f"{slot} seal")

    def _booted(self, slot: str, count: int, *, trial: bool) -> Booted:
        sequence = int.from_bytes(self._flash.read(f"{slot} sequence"), "big")
        version = self._flash.read(f"{slot} version").decode()
        return Booted(slot=slot, boot_count=count, firmware_sequence=sequence, firmware_version=version, trial=trial)

    def _other(self) -> str:
        return "B" if self._flash.read("confirmed") == b"A" else "A"
