"""Owns the answers of the filter. An answer names a rule, never a key or a value of what was dropped."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum, auto


class DropReason(IntEnum):
    """Why a payload was dropped; the numbers of ``ora.ingest.v1.DropReason``."""

    TOO_LARGE = 1
    TOO_DEEP = 2
    TOO_MANY_KEYS = 3
    NOT_UTF8 = 4
    MALFORMED = 5
    DUPLICATE_KEY = 6
    NOT_A_NUMBER = 7
    FORBIDDEN_KEY = 8
    UNKNOWN_KEY = 9
    WRONG_TYPE = 10
    OUT_OF_RANGE = 11
    TIME_IMPLAUSIBLE = 12
    EMPTY = 13


class Form(Enum):
    """How the sender says that a payload is encoded."""

    UNSAID = auto()
    PROTOBUF = auto()
    JSON = auto()


# One 5-minute bucket: its start in seconds since 1970, then the highest load and memory in percent and the weakest
# signal in dBm that were reported in it. A plain tuple: there may be 300,000 a second.
Reading = tuple[int, int | None, int | None, int | None]


@dataclass(frozen=True, slots=True)
class Kept:
    """What is stored, oldest first; at most one reading a bucket."""

    readings: tuple[Reading, ...]


@dataclass(frozen=True, slots=True)
class Dropped:
    """Nothing of the payload is stored."""

    reason: DropReason


Verdict = Kept | Dropped


class RefusedError(Exception):
    """How a rule deep inside a parser says no; ``judge`` turns it into a value. Carries no part of the payload."""

    def __init__(self, reason: DropReason) -> None:
        super().__init__(reason.name)
        self.reason = reason
