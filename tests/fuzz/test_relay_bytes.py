"""Any bytes at the relay's sans-IO core: nothing raises, everything stays bounded, and another Hub does not notice.

Inputs are legal packets that are cut, repeated, shuffled and damaged: bytes at random would end at the first one.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relay.routing.certificate import CertificateUnreadableError, read_certificate
from relay.routing.client import State
from relay.routing.reasons import Close, Refusal
from relay.routing.route_header import HeaderGate, RouteView
from relay.wire.codec import decode
from relay.wire.errors import WireError
from relay.wire.framing import next_frame
from tests.unit.relay.handlers.test_conversations import VALUES
from tests.unit.relay.notation import data
from tests.unit.relay.world import HUB, OTHER, World, envelope

if TYPE_CHECKING:
    from collections.abc import Iterable

DATA = Path(__file__).parents[1] / "unit" / "relay"


def conversations() -> Iterable[bytes]:
    for path in sorted((DATA / "handlers" / "data").glob("*.yaml")):
        for case in yaml.safe_load(path.read_text()):
            for step in case["steps"]:
                if "hub" in step:
                    yield data(step["hub"], **VALUES)


PACKETS = [
    data(case["bytes"])
    for path in sorted((DATA / "wire" / "data").glob("*.yaml"))
    for case in yaml.safe_load(path.read_text())
]
SAID = sorted(set(conversations()))
CONNECTS = [data("10 <['MQTT'] 05 02 003c <> [{hub}]>", **VALUES), data("10 <['MQTT'] 04 00 003c [{hub}]>", **VALUES)]
SEEDS = st.sampled_from(SAID + PACKETS)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    raw = bytearray(b"".join(draw(st.lists(SEEDS, min_size=1, max_size=4))))
    for _ in range(draw(st.integers(0, 4))):
        if not raw:
            break
        at = draw(st.integers(0, len(raw) - 1))
        match draw(st.sampled_from(["flip", "cut", "repeat", "insert"])):
            case "flip":
                raw[at] ^= draw(st.integers(1, 255))
            case "cut":
                del raw[at : at + draw(st.integers(1, 8))]
            case "repeat":
                raw[at:at] = raw[at : at + draw(st.integers(1, 40))]
            case _:
                raw[at:at] = draw(st.binary(min_size=1, max_size=8))
    return bytes(raw)


FUZZ = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@given(damaged(), st.sampled_from([4, 5]))
@FUZZ
def test_the_codec_refuses_or_reads(raw: bytes, version: int) -> None:
    at = 0
    try:
        while (frame := next_frame(raw, at, 70_000)) is not None:
            assert at < frame.body <= frame.end <= len(raw)
            decode(frame.first, raw[frame.body : frame.end], version)
            at = frame.end
    except WireError as error:
        refusal = error
    else:
        return
    assert refusal.code >= 0x80
    assert refusal.clause


@given(st.sampled_from([*CONNECTS, b""]), st.lists(damaged(), max_size=5), st.booleans())
@FUZZ
def test_a_session_stays_bounded_and_its_neighbour_is_served(first: bytes, reads: list[bytes], attached: bool) -> None:  # noqa: FBT001 - drawn
    world = World(receive_maximum=8, hub_queue=4096)
    neighbour = world.connect(OTHER)
    bridge = world.connect(None)
    world.subscribe(bridge, VALUES["up"])
    receiver = world.attach(limit=4096) if attached else None
    client = world.open()
    for raw in [first, *reads]:
        world.give(client, raw)
        assert len(client.tail) <= world.node.limits.max_packet + len(raw)
        if client.session is not None:
            assert len(client.session.inbound) <= 8
            assert len(client.session.flights) <= 64
            assert len(client.session.subscriptions) <= 8
        if client.state is State.CLOSED:
            break
        world.take(client)
    if receiver is not None:
        assert receiver.queued <= 4096
    assert bridge.session is not None
    assert bridge.session.queued <= world.node.limits.bridge_queue
    world.give(neighbour, b"\xc0\x00")
    assert world.take(neighbour) == b"\xd0\x00"
    world.node.end(client, Close.CLIENT_GONE)
    assert client not in world.node.clients
    assert world.node.hubs.get(HUB) is None


@given(st.binary(max_size=700) | st.binary(max_size=40).map(lambda extra: envelope() + extra))
@FUZZ
def test_the_header_gate_refuses_or_reads(raw: bytes) -> None:
    found = HeaderGate(frozenset()).read(raw, 0, len(raw))
    assert isinstance(found, Refusal | RouteView)


@given(st.binary(max_size=300) | st.binary(max_size=60).map(lambda inner: b"\x30\x82\x00\x40\x30" + inner))
@FUZZ
def test_a_certificate_is_unreadable_or_read(raw: bytes) -> None:
    try:
        read_certificate(raw)
    except CertificateUnreadableError:
        return
