"""Owns which container may follow which: one line of generations under one write key, and no forks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum
from typing import Final

from backup_svc.domain.container import Head, Refusal

# How long a backup rests before it is purged: 18 months.
LIFE: Final = timedelta(days=548)


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """What is stored under one locator."""

    locator: bytes
    write_key: bytes
    newest_generation: int
    newest_digest: bytes
    purge_day: date


class Place(Enum):
    """Where a container that is taken stands."""

    NEXT = "next"
    SAME = "same"
    """It is the newest one again."""


def place(backup: Backup | None, head: Head, digest: bytes | None) -> Place | Refusal:
    """Tell where a container belongs; ``digest`` is None while only its head was read."""
    if backup is None:
        return Place.NEXT if head.generation == 1 else Refusal.GENERATION
    if head.write_key != backup.write_key:
        return Refusal.SIGNATURE
    if head.generation == backup.newest_generation + 1:
        return Place.NEXT if head.previous_digest == backup.newest_digest else Refusal.FORK
    if head.generation == backup.newest_generation:
        return Place.SAME if digest in {None, backup.newest_digest} else Refusal.FORK
    return Refusal.GENERATION


def purge_day(today: date) -> date:
    """Return the day on which a backup that is written or kept today is purged."""
    return today + LIFE
