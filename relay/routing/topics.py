"""Owns the one reading of Hub ids and Hub topics, by exact bytes. Knows no right and no route."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final, NamedTuple

PREFIX: Final = b"ora/v1/h/"
_UUID: Final = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_TEXT_LENGTH: Final = 36


class Leaf(StrEnum):
    """The last segment of a Hub's topic."""

    DOWN = "down"
    UP = "up"
    TELEMETRY = "telemetry"
    RECEIPT = "receipt"


_LEAVES: Final = {each.value.encode(): each for each in Leaf}


class HubTopic(NamedTuple):
    """A topic of one Hub."""

    hub_id: bytes
    leaf: Leaf


def parse_hub_id(text: bytes) -> bytes | None:
    """Return the 16 bytes of a UUID (RFC 9562) in the one spelling that exists: lower case, with hyphens."""
    if len(text) != _TEXT_LENGTH or _UUID.fullmatch(text) is None:
        return None
    return bytes.fromhex(text.decode().replace("-", ""))


def hub_text(hub_id: bytes) -> str:
    """Return the spelling of a Hub id."""
    digits = hub_id.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def hub_topic(hub_id: bytes, leaf: Leaf) -> bytes:
    """Return the topic of one Hub."""
    return PREFIX + hub_text(hub_id).encode() + b"/" + leaf.encode()


def hub_topics(hub_id: bytes) -> list[bytes]:
    """Return all topics of one Hub."""
    prefix = PREFIX + hub_text(hub_id).encode() + b"/"
    return [prefix + leaf for leaf in _LEAVES]


def parse_topic(topic: bytes) -> HubTopic | None:
    """Return what a topic of the Hub namespace names, or None for any other bytes."""
    if not topic.startswith(PREFIX):
        return None
    text, slash, leaf_text = topic[len(PREFIX) :].partition(b"/")
    hub_id, leaf = parse_hub_id(text), _LEAVES.get(leaf_text)
    return HubTopic(hub_id, leaf) if hub_id is not None and leaf is not None and slash else None
