"""Owns the retained message of each topic (MQTT5 3.3.1.3), in a trie of levels, bounded. Knows no subscriber."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.broker.topics import ONE, RESERVED, REST, SEPARATOR

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.broker.message import Message


class _Level:
    __slots__ = ("levels", "message")

    def __init__(self) -> None:
        self.levels: dict[bytes, _Level] = {}
        self.message: Message | None = None


class RetainedMessages:
    """At most one message a topic, as many and as large as the limits say."""

    __slots__ = ("_most_bytes", "_most_messages", "_root", "bytes", "count")

    def __init__(self, most_messages: int, most_bytes: int) -> None:
        self._root = _Level()
        self._most_messages = most_messages
        self._most_bytes = most_bytes
        self.count = 0
        self.bytes = 0

    def put(self, message: Message) -> bool:
        """Keep a message instead of what its topic had; False when there is no room, and what was there stays."""
        known = self.get(message.topic)
        grows = message.size - (known.size if known is not None else 0)
        if (known is None and self.count >= self._most_messages) or self.bytes + grows > self._most_bytes:
            return False
        at = self._root
        for each in message.topic.split(SEPARATOR):
            below = at.levels.get(each)
            if below is None:
                below = at.levels[each] = _Level()
            at = below
        at.message = message
        self.count += known is None
        self.bytes += grows
        return True

    def get(self, topic: bytes) -> Message | None:
        """Return what a topic has."""
        at: _Level | None = self._root
        for each in topic.split(SEPARATOR):
            at = at.levels.get(each) if at is not None else None
        return at.message if at is not None else None

    def remove(self, topic: bytes) -> None:
        """Keep nothing for a topic."""
        path: list[tuple[_Level, bytes]] = []
        at = self._root
        for each in topic.split(SEPARATOR):
            below = at.levels.get(each)
            if below is None:
                return
            path.append((at, each))
            at = below
        if at.message is None:
            return
        self.count -= 1
        self.bytes -= at.message.size
        at.message = None
        for above, name in reversed(path):
            level = above.levels[name]
            if level.message is not None or level.levels:
                break
            del above.levels[name]

    def match(self, levels: Sequence[bytes], now: float) -> list[Message]:
        """Return what is kept for the topics that a filter matches; what has expired goes."""
        found: list[_Level] = []
        front, first = [self._root], True
        for name in levels:
            if name == REST:
                found.extend(level for at in front for level in _below(at, reserved=not first))
                break
            after: list[_Level] = []
            for at in front:
                if name == ONE:
                    after.extend(_children(at, reserved=not first))
                elif (below := at.levels.get(name)) is not None:
                    after.append(below)
            front, first = after, False
        else:
            found.extend(front)
        return [message for each in found if (message := each.message) is not None and not self._over(message, now)]

    def _over(self, message: Message, now: float) -> bool:
        if message.expires_at > now:
            return False
        self.remove(message.topic)
        return True

    def expire(self, now: float) -> None:
        """Let go of what has expired."""
        for level in _below(self._root, reserved=True):
            if level.message is not None:
                self._over(level.message, now)


def _children(at: _Level, *, reserved: bool) -> list[_Level]:
    if reserved:
        return list(at.levels.values())
    return [below for name, below in at.levels.items() if not name.startswith(RESERVED)]


def _below(at: _Level, *, reserved: bool) -> list[_Level]:
    """Return a level and all below it: `a/#` is about `a` too (4.7.1.2). At the root some are the server's."""
    found, waiting = [at], _children(at, reserved=reserved)
    while waiting:
        level = waiting.pop()
        found.append(level)
        waiting.extend(level.levels.values())
    return found
