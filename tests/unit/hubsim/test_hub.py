"""The life of a Hub on a line that a test holds: what is acknowledged when, what is sent again, how long it waits."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest
from ora.relay.v1 import envelope_pb2 as pb
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

import hubsim.hub as module
from hubsim import store
from hubsim.hub import Hub, HubConfig, Received
from hubsim.link import Answer, Delivery, LinkLostError, LinkRefusedError, answer_of
from sdk.envelope import app_receiver, header_for_hub, moment, open_envelope, seal
from sdk.hpke import SuiteId
from sdk.keys import AppKeys, new_app_keys

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from pathlib import Path

    from hubsim.hub import Accept, OnPayload
    from hubsim.link import LinkSettings

HUB = "0192f0c4-9c4e-7aa5-8d3c-1d2e3f405162"
SECONDS = 5.0
ACCEPTED = Answer(code=0, name="Success")


class FakeLink:
    """A line in memory. What a class attribute holds is for the next line that is opened."""

    refusals: list[Exception]
    opened: list[FakeLink]

    def __init__(self, settings: LinkSettings, on_delivery: Callable[[Delivery], None]) -> None:
        self.settings = settings
        self.deliver = on_delivery
        self.topics: list[str] = []
        self.acknowledged: list[int] = []
        self.published: asyncio.Queue[tuple[str, bytes, asyncio.Future[Answer]]] = asyncio.Queue()
        self.end: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

    async def open(self) -> None:
        if FakeLink.refusals:
            raise FakeLink.refusals.pop(0)
        FakeLink.opened.append(self)

    async def subscribe(self, topic: str) -> None:
        self.topics.append(topic)

    async def publish(self, topic: str, payload: bytes) -> Answer:
        puback: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self.published.put_nowait((topic, payload, puback))
        await asyncio.wait({puback, self.end}, return_when=asyncio.FIRST_COMPLETED)
        if puback.done():
            return puback.result()
        raise LinkLostError("broken")

    def acknowledge(self, delivery: Delivery) -> None:
        self.acknowledged.append(delivery.mid)

    async def closed(self) -> Answer:
        return await asyncio.shield(self.end)

    def close(self) -> None:
        if not self.end.done():
            self.end.set_result(Answer(code=0, name="Closed here", from_server=False))


class Bench:
    """One Hub on a fake line, and its app."""

    def __init__(self, root: Path, suite: SuiteId) -> None:
        self.folder = store.create(root, HUB)
        self.app = new_app_keys(suite)
        self.events: list[Mapping[str, Any]] = []
        self._news = asyncio.Event()
        self.pair(self.app)

    def pair(self, app: AppKeys) -> None:
        state = store.pair(store.load(self.folder), app.public(), issuer="https://id", subject="someone")
        store.save(self.folder, state)

    def see(self, event: Mapping[str, Any]) -> None:
        self.events.append(event)
        self._news.set()

    async def seen(self, name: str, times: int = 1) -> Mapping[str, Any]:
        """Wait until an event has happened so many times; return the last of them."""
        async with asyncio.timeout(SECONDS):
            while len(found := [event for event in self.events if event["event"] == name]) < times:
                self._news.clear()
                await self._news.wait()
        return found[times - 1]

    def sealed(self, payload: bytes, app: AppKeys | None = None) -> bytes:
        sender = app or self.app
        hub = store.load(self.folder).keys.public()
        return seal(
            header_for_hub(sender, hub, moment(1_790_000_000_000), pb.ENVELOPE_CLASS_TUNNEL),
            payload,
            receiver=hub.sealing_public,
            sender=sender.signing,
        )

    def opened(self, encoded: bytes) -> bytes:
        return open_envelope(encoded, app_receiver(self.app, store.load(self.folder).keys.public())).payload


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    FakeLink.refusals, FakeLink.opened = [], []
    monkeypatch.setattr(module, "Link", FakeLink)
    monkeypatch.setattr(module, "client_tls", lambda *_: None)
    return Bench(tmp_path, SuiteId.HYBRID)


@asynccontextmanager
async def running(
    bench: Bench, on_payload: OnPayload = module.answer_ping, accept: Accept = module.accept_at_once
) -> AsyncIterator[Hub]:
    config = HubConfig(folder=bench.folder, mqtt_host="x", mqtt_port=1, ca_file=bench.folder, backoff_base_s=0.001)
    hub = Hub(config, on_payload, on_event=bench.see, accept=accept, uniform=lambda _, most: most)
    task = asyncio.create_task(hub.run())
    try:
        yield hub
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def _delivery(payload: bytes, mid: int = 1) -> Delivery:
    return Delivery(topic="down", payload=payload, mid=mid, qos=1)


async def test_a_ping_is_acknowledged_and_answered(bench: Bench) -> None:
    async with running(bench):
        await bench.seen("connected")
        (link,) = FakeLink.opened
        assert link.topics == [f"ora/v1/h/{HUB}/down"]
        assert link.settings.client_id == HUB
        link.deliver(_delivery(bench.sealed(b"ping 1")))
        topic, answer, puback = await asyncio.wait_for(link.published.get(), SECONDS)
        assert (topic, bench.opened(answer)) == (f"ora/v1/h/{HUB}/up", b"pong 1")
        assert link.acknowledged == [1]
        puback.set_result(ACCEPTED)
        await bench.seen("answer_sent")


async def test_nothing_is_acknowledged_before_it_is_taken(bench: Bench) -> None:
    gate = asyncio.Event()

    async def accept(_: Received) -> None:
        await gate.wait()

    async with running(bench, accept=accept):
        await bench.seen("connected")
        (link,) = FakeLink.opened
        link.deliver(_delivery(bench.sealed(b"ping")))
        await asyncio.sleep(0)
        assert link.acknowledged == []
        gate.set()
        await bench.seen("envelope")
        await asyncio.wait_for(link.published.get(), SECONDS)
        assert link.acknowledged == [1]


async def test_the_same_envelope_again_is_acknowledged_and_not_acted_on(bench: Bench) -> None:
    acted: list[bytes] = []

    async def act(received: Received) -> None:
        acted.append(received.payload)

    async with running(bench, act):
        await bench.seen("connected")
        (link,) = FakeLink.opened
        encoded = bench.sealed(b"once")
        link.deliver(_delivery(encoded, 1))
        link.deliver(_delivery(encoded, 2))
        await bench.seen("duplicate")
        assert (acted, link.acknowledged) == ([b"once"], [1, 2])


async def test_what_does_not_open_is_acknowledged_with_a_reason_and_not_acted_on(bench: Bench) -> None:
    async with running(bench):
        await bench.seen("connected")
        (link,) = FakeLink.opened
        good = bench.sealed(b"x")
        link.deliver(_delivery(good[:-1] + bytes([good[-1] ^ 1]), 1))
        link.deliver(_delivery(b"\xff\xff", 2))
        link.deliver(_delivery(bench.sealed(b"x", new_app_keys()), 3))
        await bench.seen("dropped", 3)
        reasons = [event["reason"] for event in bench.events if event["event"] == "dropped"]
        assert reasons == ["TAMPERED", "MALFORMED", "SENDER_UNKNOWN"]
        assert link.acknowledged == [1, 2, 3]
        assert link.published.empty()


async def test_an_app_that_is_paired_while_the_hub_runs_is_answered(bench: Bench) -> None:
    async with running(bench):
        await bench.seen("connected")
        bench.app = new_app_keys()
        bench.pair(bench.app)
        FakeLink.opened[0].deliver(_delivery(bench.sealed(b"ping")))
        _, answer, _ = await asyncio.wait_for(FakeLink.opened[0].published.get(), SECONDS)
        assert bench.opened(answer) == b"pong"


async def test_an_answer_without_a_puback_is_sent_again_on_the_next_line_with_the_same_bytes(bench: Bench) -> None:
    async with running(bench):
        await bench.seen("connected")
        first = FakeLink.opened[0]
        first.deliver(_delivery(bench.sealed(b"ping")))
        _, answer, _ = await asyncio.wait_for(first.published.get(), SECONDS)
        first.end.set_result(Answer(code=0x80, name="Unspecified error", from_server=False))
        await bench.seen("connected", 2)
        _, again, puback = await asyncio.wait_for(FakeLink.opened[1].published.get(), SECONDS)
        assert again == answer
        puback.set_result(ACCEPTED)
        await bench.seen("answer_sent")


async def test_an_answer_that_is_too_large_for_the_apps_suite_is_given_up_and_the_hub_lives(bench: Bench) -> None:
    async def too_much(received: Received) -> bytes | None:
        return bytes(64_329) if received.payload == b"much" else b"little"

    async with running(bench, too_much):
        await bench.seen("connected")
        (link,) = FakeLink.opened
        link.deliver(_delivery(bench.sealed(b"much"), 1))
        assert (await bench.seen("answer_dropped"))["reason"] == "PAYLOAD_TOO_LARGE"
        link.deliver(_delivery(bench.sealed(b"x"), 2))
        _, answer, _ = await asyncio.wait_for(link.published.get(), SECONDS)
        assert bench.opened(answer) == b"little"


async def test_a_refusal_is_shown_with_its_reason_and_tried_again_later(bench: Bench) -> None:
    refused = Answer(code=0x87, name="Not authorized", reason="CONSENT_OFF", retry_after_ms=3)
    FakeLink.refusals = [LinkRefusedError(refused), LinkLostError("nobody there")]
    async with running(bench):
        await bench.seen("connected")
    assert [event["event"] for event in bench.events] == ["refused", "waiting", "unreachable", "waiting", "connected"]
    assert bench.events[0]["reason"] == "CONSENT_OFF"
    assert [event["delay_ms"] for event in bench.events if event["event"] == "waiting"] == [4, 2]


def test_advice_and_places_are_read_and_what_is_no_place_is_passed_over() -> None:
    properties: Any = Properties(PacketTypes.DISCONNECT)  # type: ignore[no-untyped-call]
    properties.UserProperty = ("retry-after-ms", "500")
    properties.ServerReference = "10.0.0.1:8883 [2001:db8::1]:8884 nonsense host:0 host:99999 :1"
    answer = answer_of(ReasonCode(PacketTypes.DISCONNECT, identifier=0x8B), properties)
    assert answer.retry_after_ms == 500
    assert answer.elsewhere == (("10.0.0.1", 8883), ("2001:db8::1", 8884))


async def test_a_hub_goes_where_the_server_sends_it_and_then_back(bench: Bench) -> None:
    async with running(bench):
        await bench.seen("connected")
        home = FakeLink.opened[0].settings.port
        FakeLink.refusals = [LinkLostError("nobody there")]
        away = Answer(code=0x8B, name="Server shutting down", elsewhere=(("127.0.0.1", 1), ("127.0.0.1", 2)))
        FakeLink.opened[0].end.set_result(away)
        await bench.seen("unreachable")
        await bench.seen("connected", 2)
        FakeLink.opened[-1].end.set_result(Answer(code=0, name="Normal"))
        await bench.seen("connected", 3)
    assert [each.settings.port for each in FakeLink.opened] == [home, 2, home]


async def test_a_hub_whose_session_was_taken_over_waits_long(bench: Bench) -> None:
    async with running(bench):
        await bench.seen("connected")
        FakeLink.opened[0].end.set_result(Answer(code=0x8E, name="Session taken over"))
        assert (await bench.seen("waiting"))["delay_ms"] == 60_000
        assert (await bench.seen("disconnected"))["from_server"] is True


async def test_an_answer_that_outlived_its_ttl_is_given_up(bench: Bench) -> None:
    FakeLink.refusals = [LinkLostError("nobody there")]
    async with running(bench) as hub:
        sent = hub.send(bench.app.public().peer_id, b"late", ttl_ms=0)
        assert (await bench.seen("answer_dropped"))["reason"] == "EXPIRED"
        assert sent.cancelled()


async def test_the_outbox_is_bounded_and_the_oldest_goes(bench: Bench) -> None:
    FakeLink.refusals = [LinkLostError("nobody there")] * 100
    async with running(bench) as hub:
        sent = [hub.send(bench.app.public().peer_id, b"x") for _ in range(module.OUTBOX_ENVELOPES + 1)]
        assert (await bench.seen("answer_dropped"))["reason"] == "OUTBOX_FULL"
        assert [future.cancelled() for future in sent] == [True] + [False] * module.OUTBOX_ENVELOPES


async def test_no_payload_is_in_an_event(bench: Bench) -> None:
    async with running(bench):
        await bench.seen("connected")
        FakeLink.opened[0].deliver(_delivery(bench.sealed(b"ping canary")))
        await bench.seen("envelope")
    assert "canary" not in str(bench.events)
