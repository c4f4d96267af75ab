"""Two slots and a cut of power at every write."""

from __future__ import annotations

import hashlib
from copy import deepcopy
from dataclasses import replace

import pytest

from hubsim.slots import Firmware, MemoryFlash, PowerLossError, Slots

OLD, NEW = b"old firmware", [b"new ", b"firm", b"ware"]
FIRMWARE = Firmware(sequence=7, version="1.8.7", digest=hashlib.sha256(b"".join(NEW)).digest())


def made() -> MemoryFlash:
    flash = MemoryFlash()
    Slots(flash).manufacture(5, OLD)
    Slots(flash).boot()
    return flash


def update(flash: MemoryFlash, *, confirm: bool = True) -> None:
    """Install, boot the new slot, and keep it if the boot loader runs it."""
    slots = Slots(flash)
    slots.install(FIRMWARE, NEW)
    booted = slots.boot()
    if confirm and booted.trial:
        slots.confirm(booted.slot)


def writes_of_an_update() -> int:
    flash = made()
    before = flash.writes
    update(flash)
    return flash.writes - before


def test_an_update_is_tried_and_kept() -> None:
    flash = made()
    Slots(flash).install(FIRMWARE, NEW)
    tried = Slots(flash).boot()
    assert (tried.slot, tried.firmware_sequence, tried.trial, tried.boot_count) == ("B", 7, True, 2)
    Slots(flash).confirm(tried.slot)
    kept = Slots(flash).boot()
    assert (kept.slot, kept.firmware_sequence, kept.trial, kept.boot_count) == ("B", 7, False, 3)


def test_what_is_not_kept_falls_back_by_itself() -> None:
    flash = made()
    update(flash, confirm=False)
    back = Slots(flash).boot()
    assert (back.slot, back.firmware_sequence, back.trial) == ("A", 5, False)


@pytest.mark.parametrize("cut", range(writes_of_an_update()))
def test_a_cut_of_power_at_any_write_leaves_a_slot_that_boots_and_an_update_that_can_be_made(cut: int) -> None:
    flash = made()
    flash.lose_power_at = flash.writes + cut
    with pytest.raises(PowerLossError):
        update(flash)
    booted = Slots(flash).boot()
    assert (booted.slot, booted.firmware_sequence) in {("A", 5), ("B", 7)}
    assert booted.trial == (booted.slot == "B")
    after = deepcopy(flash)
    update(after)
    assert Slots(after).boot().firmware_sequence == 7


def test_the_update_has_as_many_moments_as_it_writes() -> None:
    assert writes_of_an_update() == 13


def test_a_damaged_image_is_not_booted() -> None:
    flash = made()
    Slots(flash).install(FIRMWARE, NEW)
    flash.cells["B 1"] = b"evil"
    assert Slots(flash).boot().slot == "A"


def test_the_next_update_goes_into_the_other_slot() -> None:
    flash = made()
    update(flash)
    slots = Slots(flash)
    slots.install(replace(FIRMWARE, sequence=8), NEW)
    assert slots.boot().slot == "A"
