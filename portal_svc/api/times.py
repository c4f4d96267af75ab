"""Owns the translation of instants between contract and domain."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING

from google.protobuf.timestamp_pb2 import Timestamp

from mesh.errors import InvalidArgumentError

if TYPE_CHECKING:
    from google.protobuf.message import Message


def to_timestamp(instant: datetime | None) -> Timestamp | None:
    """Return ``instant`` as the contract's; None stays absent."""
    if instant is None:
        return None
    stamp = Timestamp()
    stamp.FromDatetime(instant)
    return stamp


def day_of(day: date) -> Timestamp | None:
    """Return the day at 00:00 UTC."""
    return to_timestamp(datetime.combine(day, time(), UTC))


def to_ms(instant: datetime) -> int:
    """Return milliseconds since 1970."""
    return int(instant.timestamp() * 1000)


def from_field(message: Message, field: str) -> datetime | None:
    """Return the instant in a field; None: it is not set."""
    if not message.HasField(field):
        return None
    stamp: Timestamp = getattr(message, field)
    try:
        return stamp.ToDatetime(UTC)
    except (ValueError, OverflowError):
        raise InvalidArgumentError.field(field, "no instant between the years 1 and 9999") from None
