"""Owns the translation of instants into the contract's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.protobuf.timestamp_pb2 import Timestamp

if TYPE_CHECKING:
    from datetime import datetime


def to_timestamp(instant: datetime) -> Timestamp:
    """Return ``instant`` as a ``google.protobuf.Timestamp``."""
    stamp = Timestamp()
    stamp.FromDatetime(instant)
    return stamp
