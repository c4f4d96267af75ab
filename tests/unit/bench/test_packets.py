"""The bytes that the generator sends are what the relay reads: fast, whole, and each with an id of its own."""

from __future__ import annotations

import uuid

import pytest
from ora.relay.v1.envelope_pb2 import Envelope, RouteHeader

from bench.relay.packets import Batch
from relay.routing.gates import shut_numbers
from relay.routing.route_header import HeaderGate, RouteView
from relay.wire.codec import decode
from relay.wire.codes import MQTT_3_1_1
from relay.wire.framing import next_frame
from relay.wire.publish import Publish

HUBS = [uuid.uuid4() for _ in range(3)]
GATE = HeaderGate(shut_numbers())


def publishes(data: bytes) -> list[Publish]:
    found, at = [], 0
    while (frame := next_frame(data, at, 1 << 17)) is not None:
        packet = decode(frame.first, data[frame.body : frame.end], MQTT_3_1_1)
        assert isinstance(packet, Publish)
        found.append(packet)
        at = frame.end
    assert at == len(data)
    return found


@pytest.mark.parametrize("up", [False, True])
@pytest.mark.parametrize("qos", [0, 1])
@pytest.mark.parametrize("size", [200, 4096])
def test_a_batch_is_envelopes_of_the_size_that_was_asked_for(size: int, qos: int, *, up: bool) -> None:
    batch = Batch(HUBS * 2, up=up, qos=qos, size=size)
    batch.stamp(41)
    found = publishes(bytes(batch.data))
    assert len(found) == batch.count == 6
    for packet, hub in zip(found, HUBS * 2, strict=True):
        view = GATE.read(packet.payload, 0, len(packet.payload))
        assert isinstance(view, RouteView)
        assert view.hub_id == hub.bytes
        assert packet.topic == f"ora/v1/h/{hub}/{'up' if up else 'down'}".encode()
        assert (packet.qos, len(packet.payload)) == (qos, size)
    assert len({each.packet_id for each in found}) == (6 if qos else 1)


def test_the_relay_reads_it_by_its_pattern() -> None:
    payload = publishes(bytes(Batch(HUBS[:1], up=True, qos=0, size=200).data))[0].payload
    assert GATE.alike(payload, 0, len(payload)) is not None


def test_a_stamp_gives_new_ids_and_changes_nothing_else() -> None:
    batch = Batch(HUBS, up=False, qos=1, size=200)
    seen = set()
    for counter in (1, 70_000, 2**40):
        batch.stamp(counter)
        for index, packet in enumerate(publishes(bytes(batch.data))):
            header = RouteHeader.FromString(Envelope.FromString(packet.payload).route_header)
            seen.add(header.message_id)
            assert 1 <= packet.packet_id <= 60_000
            assert header.hub_id == HUBS[index].bytes
        assert batch.counter_of(bytes(batch.data[: batch.length])) == counter
    assert len(seen) == 9
