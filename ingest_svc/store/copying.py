"""Owns how readings look to PostgreSQL's COPY in its binary format. Knows no statement and sends nothing.

A row is made of parts that many rows share: whose it is, which bucket, and the few values that a number can have.
Drivers that encode value by value spend more time on a row than the filter does.
"""

from __future__ import annotations

from datetime import date
from struct import Struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

    from ingest_svc.domain.filter.verdict import Reading

COLUMNS: Final = ("key_month", "pseudonym", "cohort_id", "bucket_time", "cpu_pct", "ram_pct", "signal_dbm")

# Signature ‖ flags (4 bytes, none) ‖ length of the header's extension (4 bytes, none).
_HEADER: Final = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_TRAILER: Final = b"\xff\xff"
# Number of columns (2) ‖ then each column: length (4) ‖ value. Days, microseconds: since 2000-01-01.
_OWNER: Final = Struct(">hii i16s ii")
_BUCKET: Final = Struct(">iq")
_NUMBER: Final = Struct(">ih")
_NULL: Final = b"\xff\xff\xff\xff"
_FIRST_DAY: Final = date(2000, 1, 1).toordinal()
_FIRST_SECOND: Final = 946_684_800
_NUMBERS: Final[dict[int | None, bytes]] = {each: _NUMBER.pack(2, each) for each in range(-120, 101)} | {None: _NULL}
_MOST_BUCKETS: Final = 4096


class _Buckets(dict[int, bytes]):
    """Buckets as COPY takes them. A week has 2016; more are in use only while it ends."""

    def __missing__(self, bucket: int) -> bytes:
        if len(self) >= _MOST_BUCKETS:
            self.clear()
        made = self[bucket] = _BUCKET.pack(8, (bucket - _FIRST_SECOND) * 1_000_000)
        return made


_BUCKETS: Final = _Buckets()


def owner(month: date, pseudonym: UUID, cohort_id: int) -> bytes:
    """Return the beginning of each row of a Hub."""
    return _OWNER.pack(len(COLUMNS), 4, month.toordinal() - _FIRST_DAY, 16, pseudonym.bytes, 4, cohort_id)


def encode(given: Iterable[tuple[bytes, Sequence[Reading]]]) -> bytes:
    """Return what COPY takes: the readings of each owner."""
    buckets, numbers = _BUCKETS, _NUMBERS
    parts = [_HEADER]
    for begin, kept in given:
        for bucket, cpu, ram, dbm in kept:
            parts += (begin, buckets[bucket], numbers[cpu], numbers[ram], numbers[dbm])
    parts.append(_TRAILER)
    return b"".join(parts)
