"""Owns the shape of an event on its way and of the Redis stream it travels in; knows no event's meaning.

A stream entry has the fields ``id`` (16 bytes), ``type``, ``aggregate``, ``at`` (milliseconds since 1970), ``payload``
and, where there is a trace, ``traceparent``. The payload is a whole encoded ``ora.events.v1.Event``, never the message
inside its oneof alone; ``id``, ``type`` and ``at`` repeat what it says, so that a reader can pass over it unopened.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_PAYLOAD: Final = 65_536


class MalformedEventError(Exception):
    """A stream entry is no event: it is put aside at once, since no retry mends it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened, told to other services."""

    event_id: UUID
    # The name of its ora.events.v1.EventType without the prefix, for example HUB_STATE_CHANGED.
    type: str
    # The resource name whose events keep their order, for example hubs/{hub}.
    aggregate: str
    occurred_at: datetime
    # A whole encoded ora.events.v1.Event.
    payload: bytes
    traceparent: str = ""

    def __repr__(self) -> str:
        return f"Event({self.type} {self.event_id} [{len(self.payload)} bytes])"


def stream_of(schema: str) -> str:
    """Return the stream that a service publishes to. The hash tag keeps all its keys on one node of a cluster."""
    return f"ora:{{events:{schema}}}"


def marker_of(schema: str) -> str:
    """Return the key that is missing when Redis has lost the stream."""
    return f"ora:{{events:{schema}}}:marker"


def dead_stream_of(schema: str, consumer: str) -> str:
    """Return the stream of the events that a consumer could not handle."""
    return f"ora:{{events:{schema}}}:dead:{consumer}"


def to_fields(event: Event) -> dict[bytes | str, bytes | str | int]:
    """Return the fields of a stream entry."""
    fields: dict[bytes | str, bytes | str | int] = {
        "id": event.event_id.bytes,
        "type": event.type,
        "aggregate": event.aggregate,
        "at": round(event.occurred_at.timestamp() * 1000),
        "payload": event.payload,
    }
    return {**fields, "traceparent": event.traceparent} if event.traceparent else fields


def from_fields(fields: Mapping[bytes, bytes]) -> Event:
    """Return the event of a stream entry."""
    try:
        return Event(
            event_id=UUID(bytes=fields[b"id"]),
            type=fields[b"type"].decode("ascii"),
            aggregate=fields[b"aggregate"].decode("ascii"),
            occurred_at=datetime.fromtimestamp(int(fields[b"at"]) / 1000, UTC),
            payload=fields[b"payload"],
            traceparent=fields.get(b"traceparent", b"").decode("ascii"),
        )
    except (KeyError, ValueError, OverflowError, OSError) as error:
        raise MalformedEventError(type(error).__name__) from None
