"""Telemetry goes to ingest as it came, and a Hub is told when ingest has answered, whatever happens to the stream."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from ora.ingest.v1 import intake_pb2
from ora.ingest.v1.intake_service_pb2 import ForwardTelemetryRequest, ForwardTelemetryResponse

from relay.api import telemetry
from relay.api.telemetry import Forwarder
from relay.routing.reasons import DELIVERED, Refusal, refused
from relay.routing.topics import Leaf, hub_topic
from relay.wire.properties import Properties
from tests.unit.relay.world import HUB, Teller, World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

TOPIC = hub_topic(HUB, Leaf.TELEMETRY)
STORED, DROPPED = intake_pb2.INTAKE_OUTCOME_STORED, intake_pb2.INTAKE_OUTCOME_DROPPED


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - what is waited for has no event of its own
        await asyncio.sleep(0.001)


class Call:
    """One stream to an ingest service that reads what it is let read."""

    def __init__(self) -> None:
        self.written: asyncio.Queue[ForwardTelemetryRequest] = asyncio.Queue(maxsize=4)
        self._answers: asyncio.Queue[Any] = asyncio.Queue()
        self.cancelled = False

    async def write(self, request: ForwardTelemetryRequest) -> None:
        await self.written.put(request)

    async def read(self) -> Any:
        return await self._answers.get()

    def cancel(self) -> None:
        self.cancelled = True

    def answer(self, request: ForwardTelemetryRequest, outcome: intake_pb2.IntakeOutcome.ValueType = STORED) -> None:
        self._answers.put_nowait(ForwardTelemetryResponse(frame=request.frame, outcome=outcome))

    def end(self) -> None:
        self._answers.put_nowait(grpc.aio.EOF)


class Ingest:
    """The service, a stream at a time."""

    def __init__(self) -> None:
        self.calls: asyncio.Queue[Call] = asyncio.Queue()

    def ForwardTelemetry(self) -> Call:  # noqa: N802 - the contract's name
        call = Call()
        self.calls.put_nowait(call)
        return call


@asynccontextmanager
async def forwarding(world: World, ingest: Ingest, bound: int = 1 << 20) -> AsyncIterator[Forwarder]:
    forwarder = Forwarder(world.node, ingest, most_waiting_bytes=bound)
    world.node.collector = forwarder
    task = asyncio.create_task(forwarder.run())
    try:
        async with asyncio.timeout(10):
            yield forwarder
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_report_goes_as_it_came_and_is_acknowledged_when_it_is_stored() -> None:
    world, ingest = World(), Ingest()
    hub = world.connect()
    async with forwarding(world, ingest) as forwarder:
        payloads = [b"\x00not read", b'{"samples":', b"", b"\xff" * 900]
        for number, payload in enumerate(payloads, 1):
            world.publish(hub, TOPIC, payload, qos=1, packet_id=number)
        call = await ingest.calls.get()
        sent = [await call.written.get() for _ in payloads]
        assert [each.payload for each in sent] == payloads
        assert {each.hub_id for each in sent} == {HUB}
        assert world.take(hub) == b""
        for each in reversed(sent):
            call.answer(each)
        await until(lambda: not forwarder.waiting_bytes)
        assert world.take(hub) == b"".join(b"\x40\x02\x00" + bytes([each]) for each in (4, 3, 2, 1))


@pytest.mark.parametrize(
    ("content_type", "said"),
    [
        (None, intake_pb2.TELEMETRY_FORMAT_UNSPECIFIED),
        ("application/x-protobuf", intake_pb2.TELEMETRY_FORMAT_PROTOBUF),
        ("application/JSON; charset=utf-8", intake_pb2.TELEMETRY_FORMAT_JSON),
        ("text/plain", intake_pb2.TELEMETRY_FORMAT_UNSPECIFIED),
    ],
)
async def test_what_the_hub_calls_its_report_is_passed_on(
    content_type: str | None, said: intake_pb2.TelemetryFormat.ValueType
) -> None:
    world, ingest = World(), Ingest()
    hub = world.connect()
    async with forwarding(world, ingest):
        properties = Properties(content_type=content_type)
        world.publish(hub, TOPIC, b"{", qos=1, packet_id=1, properties=properties)
        call = await ingest.calls.get()
        assert (await call.written.get()).format == said


@pytest.mark.parametrize(
    ("outcome", "code", "said"),
    [
        (DROPPED, 0x99, b"TELEMETRY_DROPPED"),
        (intake_pb2.INTAKE_OUTCOME_REFUSED, 0x87, b"CONSENT_OFF"),
        (intake_pb2.INTAKE_OUTCOME_OVERLOADED, 0x97, b"OVERLOADED"),
    ],
)
async def test_a_report_that_is_not_stored_is_refused_by_name(
    outcome: intake_pb2.IntakeOutcome.ValueType, code: int, said: bytes
) -> None:
    world, ingest = World(), Ingest()
    hub = world.connect()
    async with forwarding(world, ingest):
        world.publish(hub, TOPIC, b"x", qos=1, packet_id=1)
        call = await ingest.calls.get()
        call.answer(await call.written.get(), outcome)
        await until(lambda: bool(hub.output))
        answer = world.take(hub)
    assert answer[4] == code
    assert said in answer


async def test_what_a_stream_leaves_unanswered_goes_first_on_the_next() -> None:
    world, ingest, teller = World(), Ingest(), Teller()
    async with forwarding(world, ingest) as forwarder:
        for number in range(3):
            assert forwarder.take(HUB, b"%d" % number, teller, number) is None
        first = await ingest.calls.get()
        sent = [await first.written.get() for _ in range(3)]
        first.answer(sent[1])
        first.end()
        second = await ingest.calls.get()
        again = [await second.written.get() for _ in range(2)]
        assert [each.payload for each in again] == [b"0", b"2"]
        assert [each.frame for each in again] == [sent[0].frame, sent[2].frame]
        for each in again:
            second.answer(each)
        await until(lambda: len(teller.told) == 3)
    assert teller.told == [DELIVERED] * 3
    assert first.cancelled


async def test_an_ingest_that_reads_no_more_holds_hubs_back_and_then_refuses_them() -> None:
    world, ingest, teller = World(), Ingest(), Teller()
    async with forwarding(world, ingest, bound=1000) as forwarder:
        taken = [forwarder.take(HUB, b"x" * 100, teller, each) for each in range(12)]
        assert taken == [None] * 10 + [refused(Refusal.OVERLOADED)] * 2
        call = await ingest.calls.get()
        await until(call.written.full)
        assert teller.told == []
        for _ in range(10):
            call.answer(await call.written.get())
        await until(lambda: not forwarder.waiting_bytes)
        assert forwarder.take(HUB, b"x" * 1000, teller, 1) is None
    assert teller.told == [DELIVERED] * 10


async def test_nobody_waits_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telemetry, "_PATIENCE_SECONDS", 0.0)
    monkeypatch.setattr(telemetry, "_SWEEP_SECONDS", 0.01)
    world, ingest, teller = World(), Ingest(), Teller()
    async with forwarding(world, ingest) as forwarder:
        for _ in range(6):
            forwarder.take(HUB, b"x", teller, 1)
        await until(lambda: not forwarder.waiting_bytes)
        late = await ingest.calls.get()
        late.answer(await late.written.get())
        await asyncio.sleep(0.02)
    assert teller.told == [refused(Refusal.ROUTE_UNAVAILABLE)] * 6


async def test_one_that_is_longer_than_the_contract_has_it_is_refused_here() -> None:
    world, ingest, teller = World(), Ingest(), Teller()
    async with forwarding(world, ingest) as forwarder:
        assert forwarder.take(HUB, b"x" * 67_585, teller, 1) == refused(Refusal.TOO_LARGE)
        assert forwarder.take(HUB, b"x" * 67_584, teller, 1) is None


def test_a_relay_that_knows_no_ingest_says_that_nobody_took_it() -> None:
    world = World()
    hub = world.connect()
    world.publish(hub, TOPIC, b"x", qos=1, packet_id=1)
    assert world.take(hub)[4] == 0x83
