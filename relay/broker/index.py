"""Owns who has subscribed to what: a trie of topic levels, with wildcards and shared subscriptions. Knows no message.

A node of the trie is one level of a filter. `+` and `#` are levels like others, except that a topic's levels follow
them too. Every node has one path from the root, so a match looks at no node twice, whatever filters there are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from relay.broker.topics import ONE, RESERVED, REST, SEPARATOR, parse_filter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from relay.routing.session import Grant

S = TypeVar("S")


class Group(Generic[S]):
    """The members of one shared subscription; who was served goes to the end."""

    __slots__ = ("filter", "members")

    def __init__(self, topic_filter: bytes) -> None:
        # As it was written, with its share name.
        self.filter = topic_filter
        self.members: dict[S, Grant] = {}

    def served(self, member: S) -> None:
        """Let the others come first next time."""
        grant = self.members.pop(member, None)
        if grant is not None:
            self.members[member] = grant


class Level(Generic[S]):
    """One level of filters, and who has subscribed to a filter that ends here."""

    __slots__ = ("levels", "plain", "shared")

    def __init__(self) -> None:
        self.levels: dict[bytes, Level[S]] = {}
        self.plain: dict[S, Grant] = {}
        self.shared: dict[bytes, Group[S]] = {}

    @property
    def bare(self) -> bool:
        """Whether nothing depends on it."""
        return not (self.levels or self.plain or self.shared)


class SubscriptionIndex(Generic[S]):
    """All subscriptions of a broker."""

    __slots__ = ("_root", "count")

    def __init__(self) -> None:
        self._root: Level[S] = Level()
        self.count = 0

    def add(self, topic_filter: bytes, subscriber: S, grant: Grant) -> bool:
        """Add a subscription, or replace the one with the same filter; return whether it is new."""
        share, levels = parse_filter(topic_filter)
        at = self._root
        for each in levels:
            below = at.levels.get(each)
            if below is None:
                below = at.levels[each] = Level()
            at = below
        here = at.plain
        if share:
            group = at.shared.get(share)
            if group is None:
                group = at.shared[share] = Group(topic_filter)
            here = group.members
        new = subscriber not in here
        here[subscriber] = grant
        self.count += new
        return new

    def remove(self, topic_filter: bytes, subscriber: S) -> bool:
        """Remove a subscription, and the levels that nothing needs any longer; return whether it was there."""
        share, levels = parse_filter(topic_filter)
        path: list[tuple[Level[S], bytes]] = []
        at = self._root
        for each in levels:
            below = at.levels.get(each)
            if below is None:
                return False
            path.append((at, each))
            at = below
        group = at.shared.get(share) if share else None
        here = at.plain if not share else group.members if group is not None else {}
        if here.pop(subscriber, None) is None:
            return False
        self.count -= 1
        if group is not None and not group.members:
            del at.shared[share]
        for above, name in reversed(path):
            if not above.levels[name].bare:
                break
            del above.levels[name]
        return True

    def match(self, topic: bytes) -> list[Level[S]]:
        """Return the levels whose subscriptions the topic reaches, each once."""
        found: list[Level[S]] = []
        front = [self._root]
        wild = not topic.startswith(RESERVED)
        for name in topic.split(SEPARATOR):
            front = [below for at in front for below in _step(at, name, found, wild=wild)]
            wild = True
        for at in front:
            if at.plain or at.shared:
                found.append(at)
            # `a/#` is about `a` too (4.7.1.2).
            rest = at.levels.get(REST)
            if rest is not None:
                found.append(rest)
        return found

    def group(self, topic_filter: bytes) -> Group[S] | None:
        """Return the members of a shared filter, as it was written."""
        share, levels = parse_filter(topic_filter)
        at: Level[S] | None = self._root
        for each in levels:
            at = at.levels.get(each) if at is not None else None
        return at.shared.get(share) if at is not None else None

    def size(self) -> int:
        """Return how many levels are kept."""
        return sum(1 for _ in self._walk())

    def _walk(self) -> Iterator[Level[S]]:
        waiting = [self._root]
        while waiting:
            at = waiting.pop()
            yield at
            waiting.extend(at.levels.values())


def _step(at: Level[S], name: bytes, found: list[Level[S]], *, wild: bool) -> Iterator[Level[S]]:
    """Give the levels below that a topic's next level leads to; those that end in `#` are found already."""
    exact = at.levels.get(name)
    if exact is not None:
        yield exact
    if wild:
        one, rest = at.levels.get(ONE), at.levels.get(REST)
        if one is not None:
            yield one
        if rest is not None:
            found.append(rest)
