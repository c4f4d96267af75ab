"""What is said to whom: conversations as data, each with the clause that it is about."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from relay.routing.topics import Leaf, hub_text, hub_topic
from relay.wire.codec import decode
from relay.wire.framing import next_frame
from tests.unit.relay.notation import data
from tests.unit.relay.world import DOWN, HUB, OTHER, UP, World, envelope

VALUES = {
    "hub": hub_text(HUB).encode(),
    "other": hub_text(OTHER).encode(),
    "down": DOWN,
    "up": UP,
    "telemetry": hub_topic(HUB, Leaf.TELEMETRY),
    "other_down": hub_topic(OTHER, Leaf.DOWN),
    "other_up": hub_topic(OTHER, Leaf.UP),
    "envelope_down": envelope(),
    "envelope_up": envelope(up=True),
    "envelope_other": envelope(OTHER, up=True),
    "envelope_gated": envelope(up=True, command_id=b"c" * 16),
    "envelope_stranger": envelope(up=True, peer_id=b"q" * 16),
}
CASES = [
    pytest.param(case, id=f"{path.stem}: {case['name']}")
    for path in sorted((Path(__file__).parent / "data").glob("*.yaml"))
    for case in yaml.safe_load(path.read_text())
]


def readable(raw: bytes, version: int) -> list[Any]:
    """Return packets, so that the order of properties does not matter and a difference can be read."""
    packets, at = [], 0
    while (frame := next_frame(raw, at, 1 << 20)) is not None:
        packets.append(decode(frame.first, raw[frame.body : frame.end], version))
        at = frame.end
    assert at == len(raw)
    return packets


@pytest.mark.parametrize("case", CASES)
def test_conversation(case: dict[str, Any]) -> None:
    assert case["clause"]
    world = World(**case.get("limits", {}))
    parties: dict[str, Any] = {}
    for step in case["steps"]:
        ((verb, argument), *_rest) = step.items()
        who = "bridge" if verb.startswith("bridge") else "hub"
        identity = None if who == "bridge" else HUB
        if verb.endswith("connect"):
            parties[who] = world.connect(identity, argument)
            continue
        party = parties[who] if who in parties else parties.setdefault(who, world.open(identity))
        match verb:
            case "hub" | "bridge":
                raw = data(argument, **VALUES)
                for piece in [bytes((each,)) for each in raw] if case.get("trickle") else [raw]:
                    world.give(party, piece)
            case "says" | "bridge_says":
                said, expected = world.take(party), data(argument, **VALUES)
                assert readable(said, party.version) == readable(expected, party.version)
            case "skip":
                world.take(party)
            case "closes":
                assert dict(world.node.counters.closes) == {argument: 1}
                assert party not in world.node.clients
            case _:
                pytest.fail(f"no such step: {verb}")
