"""Owns one server with its Hubs and its bridge connected, ready to be measured. Knows no load."""

from __future__ import annotations

import gc
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bench.relay.dial import dial_bridge, dial_hubs
from bench.relay.link import Link, Loop, LostError
from bench.relay.packets import subscribe, topic
from relay.routing.topics import Leaf

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from bench.relay.identities import Identities
    from bench.relay.servers import Target

_SUBACK_HEAD: Final = 4
_FILTERS: Final = 50
_SECONDS: Final = 30.0
_SETTLE_SECONDS: Final = 1.5


@dataclass(frozen=True, slots=True)
class Arrived:
    """What it cost to take so many Hubs."""

    hubs: int
    cpu_seconds: float
    private_bytes: int


class Scene:
    """One server, a bridge, and Hubs."""

    def __init__(self, target: Target, identities: Identities, bridge: str = "bridge") -> None:
        self.target = target
        self.loop = Loop()
        self._identities = identities
        self.hubs: list[Link] = []
        self.ids: list[UUID] = []
        self.bridge = dial_bridge(self.loop, identities.folder, target, bridge)

    def warm(self, numbers: range) -> None:
        """Let a few Hubs come and go, so that nothing is done for the first time."""
        for link in dial_hubs(self.loop, self._identities.folder, self.target, numbers, self._identities.hubs):
            link.close()
        self.settle()

    def add(self, numbers: range) -> Arrived:
        """Connect Hubs; return what that cost the server."""
        gc.collect()
        process = self.target.process
        memory, cpu = process.private_bytes(), process.cpu()
        self.hubs += dial_hubs(self.loop, self._identities.folder, self.target, numbers, self._identities.hubs)
        spent = process.cpu() - cpu
        self.ids += [self._identities.hubs[number] for number in numbers]
        self.settle()
        return Arrived(len(numbers), spent, process.private_bytes() - memory)

    def settle(self) -> None:
        """Let everybody come to rest."""
        self.loop.run_for(_SETTLE_SECONDS)

    def subscribe(self, count: int, qos: int = 1) -> None:
        """Let the first Hubs, and the bridge for them, subscribe."""
        for link, hub in zip(self.hubs[:count], self.ids, strict=False):
            self._ask(link, [topic(hub, Leaf.DOWN)], qos)
        for first in range(0, count, _FILTERS):
            self._ask(self.bridge, [topic(hub, Leaf.UP) for hub in self.ids[first : min(first + _FILTERS, count)]], qos)

    def _ask(self, link: Link, topics: Sequence[bytes], qos: int) -> None:
        answer = bytearray()
        link.taken = answer.extend
        link.send(subscribe(topics, qos))
        if not self.loop.run_until(lambda: len(answer) >= _SUBACK_HEAD + len(topics), _SECONDS):
            raise LostError(f"{self.target.name} did not answer a SUBSCRIBE")
        if any(each != qos for each in answer[_SUBACK_HEAD:]):
            raise LostError(f"{self.target.name} refused a subscription")

    def close(self) -> None:
        """Let everybody go."""
        for link in (*self.hubs, self.bridge):
            link.close()
        self.loop.close()
