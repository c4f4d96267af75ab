"""Owns what a topic filter matches (MQTT5 4.7) and how a shared one is taken apart (4.8.2). Knows no subscriber."""

from __future__ import annotations

from typing import Final, NamedTuple

from relay.wire.subscribe import SHARE

SEPARATOR: Final = b"/"
ONE: Final = b"+"
REST: Final = b"#"
# Topics that begin with it are the server's: no wildcard at the front reaches them (MQTT-4.7.2-1).
RESERVED: Final = b"$"


class Parsed(NamedTuple):
    """A topic filter in its levels; ``share`` is empty for one that is not shared."""

    share: bytes
    levels: tuple[bytes, ...]


def parse_filter(text: bytes) -> Parsed:
    """Return a filter that ``check_filter`` has let pass, in its parts."""
    if not text.startswith(SHARE):
        return Parsed(b"", tuple(text.split(SEPARATOR)))
    name, _, plain = text[len(SHARE) :].partition(SEPARATOR)
    return Parsed(name, tuple(plain.split(SEPARATOR)))
