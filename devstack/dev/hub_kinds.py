"""Owns which firmware plays a Hub: by name for a new one, by what lies in its folder for one that is there."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from devstack.dev import c_hub
from devstack.dev.simulated_hub import SimulatedHub

if TYPE_CHECKING:
    from pathlib import Path

    from devstack.dev.firmware import Firmware


class HubKind(Enum):
    """Who can play a Hub."""

    SIM = "sim"
    C = "c"


def firmware(kind: HubKind) -> Firmware:
    """Return a firmware; the one in C is built first."""
    return c_hub.CHub(c_hub.build()) if kind is HubKind.C else SimulatedHub()


def firmware_in(folder: Path) -> Firmware:
    """Return the firmware that made the Hub in a folder."""
    return firmware(HubKind.C if (folder / c_hub.STATE).exists() else HubKind.SIM)
