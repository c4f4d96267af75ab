"""Owns what a cohort is: Hubs that are alike. Knows no Hub."""

from __future__ import annotations

from typing import Final, NamedTuple

# Fewer Hubs than this are nobody's business.
MIN_HUBS: Final = 20


class Cohort(NamedTuple):
    """Hardware and firmware; empty where it is not known."""

    hardware_model: str
    firmware_version: str


UNKNOWN: Final = Cohort("", "")
