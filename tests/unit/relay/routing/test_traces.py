from __future__ import annotations

from relay.routing.reasons import DELIVERED, EXPIRED, OFFLINE, Refusal, refused
from relay.routing.traces import Event, Step, Traces

ID, OTHER, HUB = b"i" * 16, b"o" * 16, b"h" * 16


def test_steps_of_one_envelope_come_in_order_without_those_of_others() -> None:
    traces = Traces()
    traces.received(ID, 1.0, HUB, 300)
    traces.received(OTHER, 1.5, HUB, 9)
    traces.settled(ID, 2.0, HUB, DELIVERED)
    assert traces.of(ID) == [
        Step(ID, 1.0, Event.RECEIVED, "", HUB, 300),
        Step(ID, 2.0, Event.ACKNOWLEDGED, "", HUB, 0),
    ]


def test_every_fate_has_a_name_and_a_refusal_its_reason() -> None:
    traces = Traces()
    for fate in (OFFLINE, EXPIRED, *(refused(each) for each in Refusal)):
        traces.settled(ID, 0.0, HUB, fate)
    told = [(step.event, step.reason) for step in traces.of(ID)]
    assert told[:2] == [(Event.OFFLINE, ""), (Event.EXPIRED, "")]
    assert [reason for _, reason in told[2:]] == [each.value for each in Refusal]


def test_the_oldest_steps_are_forgotten_first() -> None:
    traces = Traces(most=2)
    for number in range(3):
        traces.received(bytes([number]) * 16, 0.0, HUB, 1)
    assert not traces.of(bytes(16))
    assert traces.of(bytes([2]) * 16)
