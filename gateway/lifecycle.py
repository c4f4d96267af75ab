"""Owns how a method goes away: what the contract has to say, and what callers are told. Knows no Envoy."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ora.options.v1 import options_pb2

# Apps are updated by people. From the first word to the last call is half a year at least.
NOTICE: Final = timedelta(days=180)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifecycle:
    """Since when a method is not to be used, from when it may be gone, and what is there instead."""

    deprecated_on: date
    sunset_on: date | None
    successor: str

    @property
    def headers(self) -> dict[str, str]:
        """Return what an answer carries: `Deprecation` (RFC 9745), and `Sunset` (RFC 8594) where it is decided."""
        told = {"deprecation": f"@{int(_start(self.deprecated_on).timestamp())}"}
        if self.sunset_on:
            told["sunset"] = format_datetime(_start(self.sunset_on), usegmt=True)
        return told


def parse(given: options_pb2.Lifecycle) -> Lifecycle:
    """Read a lifecycle; raise ``ValueError`` with what is wrong with it."""
    deprecated_on = date.fromisoformat(given.deprecated_on)
    sunset_on = date.fromisoformat(given.sunset_on) if given.sunset_on else None
    if sunset_on and sunset_on - deprecated_on < NOTICE:
        raise ValueError(f"ends {given.sunset_on}, less than {NOTICE.days} days after {given.deprecated_on}")
    return Lifecycle(deprecated_on=deprecated_on, sunset_on=sunset_on, successor=given.successor)


def _start(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
