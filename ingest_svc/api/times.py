"""Owns instants as the contract shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.protobuf.timestamp_pb2 import Timestamp

if TYPE_CHECKING:
    from datetime import datetime


def to_timestamp(moment: datetime) -> Timestamp:
    """Return an instant."""
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp
