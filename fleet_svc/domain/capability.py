"""Owns the names of what a cloud may do for a Hub; knows neither their wire numbers nor who turned them on."""

from __future__ import annotations

from enum import StrEnum


class Capability(StrEnum):
    """One thing the cloud may do; the value is what the database holds. Off unless a Hub's consent lists it."""

    RELAY = "RELAY"
    TELEMETRY = "TELEMETRY"
    BACKUP = "BACKUP"
    OTA_POLL = "OTA_POLL"
    COMMAND = "COMMAND"
    STREAM = "STREAM"
    SHADOW = "SHADOW"
