"""Bad input, threat by threat: the offender is closed with the right reason and counted, and a healthy Hub is served.

How well it is served is measured at a bystander's PINGs, beside those of a quiet moment on the same loaded machine; the
figures without other load are in docs/benchmarks.md.
"""

from __future__ import annotations

import asyncio
import ssl
from contextlib import asynccontextmanager, suppress
from statistics import quantiles
from typing import TYPE_CHECKING

import pytest

from relay.routing.reasons import Close, Refusal
from relay.wire.codec import encode
from relay.wire.codes import ReasonCode
from relay.wire.connect import Connect
from relay.wire.primitives import encode_packet
from relay.wire.publish import Publish
from relay.wire.subscribe import Subscribe, Subscription
from tests.integration.relay.hub import Hub
from tests.integration.relay.world import Person, World, envelope, running
from tests.unit.relay.notation import data

if TYPE_CHECKING:
    import uuid
    from collections.abc import AsyncIterator
    from pathlib import Path

R = ReasonCode
# What a bystander may wait under any attack, on a machine that has other work too.
_SLACK_SECONDS = 2.0
_PINGS = 40


def topic(hub: uuid.UUID, leaf: str = "up") -> bytes:
    return f"ora/v1/h/{hub}/{leaf}".encode()


def published(hub: uuid.UUID, payload: bytes = b"x", **fields: object) -> bytes:
    return encode(Publish(topic=topic(hub), payload=payload, **fields), 5)  # type: ignore[arg-type]


MALFORMED = {
    "CONNACK from a client": ("20 <00 00 <>>", R.PROTOCOL_ERROR),
    "PUBLISH without its topic": ("30 <0009 'x'>", R.MALFORMED_PACKET),
    "PUBLISH with QoS 3": ("36 <[{up}] 0001 <> 'x'>", R.MALFORMED_PACKET),
    "PUBACK of one byte": ("40 <00>", R.MALFORMED_PACKET),
    "PUBREC of no kind": ("50 <0001 7f>", R.MALFORMED_PACKET),
    "PUBREL with other flags": ("60 <0001>", R.MALFORMED_PACKET),
    "PUBCOMP with a tail": ("70 <0001 00 <> 00>", R.MALFORMED_PACKET),
    "SUBSCRIBE without a filter": ("82 <0001 <>>", R.PROTOCOL_ERROR),
    "SUBACK from a client": ("90 <0001 <> 00>", R.PROTOCOL_ERROR),
    "UNSUBSCRIBE without a filter": ("a2 <0001 <>>", R.PROTOCOL_ERROR),
    "UNSUBACK from a client": ("b0 <0001 <> 00>", R.PROTOCOL_ERROR),
    "PINGREQ with a body": ("c0 <00>", R.MALFORMED_PACKET),
    "PINGRESP from a client": ("d0 00", R.PROTOCOL_ERROR),
    "DISCONNECT of no kind": ("e0 <01>", R.MALFORMED_PACKET),
    "AUTH without a method": ("f0 <18 <>>", R.PROTOCOL_ERROR),
    "a second CONNECT": ("10 <['MQTT'] 05 02 003c <> [{hub}]>", R.PROTOCOL_ERROR),
    "packet type 0": ("00 00", R.MALFORMED_PACKET),
    "a length of five bytes": ("30 ffffffff01", R.MALFORMED_PACKET),
    "a length that is longer than it needs to be": ("c0 8000", R.MALFORMED_PACKET),
    "an announced length of 256 MiB": ("30 ffffff7f", R.PACKET_TOO_LARGE),
    "a string that reaches past its packet": ("30 <ffff 'x'>", R.MALFORMED_PACKET),
    "properties that reach past their packet": ("30 <[{up}] 7f 01>", R.MALFORMED_PACKET),
    "a property twice": ("30 <[{up}] <01 00 01 00> 'x'>", R.PROTOCOL_ERROR),
    "invalid UTF-8 in a topic": ("30 <[c3 28] <> 'x'>", R.MALFORMED_PACKET),
    "a surrogate in a topic": ("30 <[eda080] <> 'x'>", R.MALFORMED_PACKET),
    "NUL in a topic": ("30 <['a' 00] <> 'x'>", R.MALFORMED_PACKET),
    "a topic of 60,000 bytes": ("30 <['a' *60000] <> 'x'>", R.NOT_AUTHORIZED),
    "no topic": ("30 <[] <> 'x'>", R.PROTOCOL_ERROR),
    "a wildcard in a topic": ("30 <['ora/v1/h/+/up'] <> 'x'>", R.TOPIC_NAME_INVALID),
    "another Hub's topic": ("30 <[{other}] <> 'x'>", R.NOT_AUTHORIZED),
    "a topic that looks like one's own": ("30 <[{up} '/'] <> 'x'>", R.NOT_AUTHORIZED),
    "the server's topics": ("30 <['$SYS/x'] <> 'x'>", R.NOT_AUTHORIZED),
    "a retained message": ("31 <[{up}] <> 'x'>", R.RETAIN_NOT_SUPPORTED),
    "a topic alias of nothing": ("30 <[] <23 0001> 'x'>", R.PROTOCOL_ERROR),
    "a topic alias beyond the maximum": ("30 <[{up}] <23 ffff> 'x'>", R.TOPIC_ALIAS_INVALID),
    "a Subscription Identifier in PUBLISH": ("30 <[{up}] <0b 01> 'x'>", R.PROTOCOL_ERROR),
    "a Subscription Identifier in SUBSCRIBE": (
        "82 <0001 <0b 01> [{down}] 01>",
        R.SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED,
    ),
    "a filter whose wildcard is misplaced": ("82 <0001 <> ['a#'] 01>", R.TOPIC_FILTER_INVALID),
    "no local on a shared subscription": ("82 <0001 <> ['$share/g/t'] 04>", R.PROTOCOL_ERROR),
}


@asynccontextmanager
async def bystander(world: World) -> AsyncIterator[None]:
    """Compare a healthy Hub's PINGs in the block with those before it."""
    mqtt = await Hub.connect(world, world.hub())
    quiet = [await mqtt.ping() for _ in range(_PINGS)]
    during: list[float] = []
    stop = asyncio.Event()

    async def ping() -> None:
        while not stop.is_set() or len(during) < _PINGS:
            during.append(await mqtt.ping())
            await asyncio.sleep(0)

    pinging = asyncio.create_task(ping())
    try:
        yield
    finally:
        stop.set()
        await pinging
    assert quantiles(during, n=100)[98] <= 2 * quantiles(quiet, n=100)[98] + _SLACK_SECONDS


def last_word(said: bytes) -> tuple[int, ReasonCode]:
    """Return the last packet's type and reason code: DISCONNECT, or CONNACK before there was a session."""
    at = said.rfind(b"\xe0") if said.count(b"\xe0") == 1 else 0
    return said[at], R(said[at + 2] if said[at] == 0xE0 else said[at + 3])


async def test_malformed_packets_of_every_type(world: World) -> None:
    other = world.hub()
    async with bystander(world):
        for name, (notation, reason) in MALFORMED.items():
            hub = world.hub()
            values = {"up": topic(hub), "down": topic(hub, "down"), "other": topic(other), "hub": str(hub).encode()}
            mqtt = await Hub.connect(world, hub, subscribe=False)
            before = world.node.counters.closes.total()
            mqtt.writer.write(data(notation, **values))
            said = await mqtt.rest()
            assert (said[0], R(said[2])) == (0xE0, reason), name
            assert world.node.counters.closes.total() == before + 1, name
    assert set(world.node.counters.closes) <= {
        Close.MALFORMED,
        Close.PROTOCOL_ERROR,
        Close.PACKET_TOO_LARGE,
        Close.TOPIC_INVALID,
        Close.FILTER_INVALID,
        Close.TOPIC_FOREIGN,
        Close.TOPIC_ALIAS_INVALID,
        Close.RETAIN_NOT_SERVED,
        Close.SUBSCRIPTION_IDENTIFIER,
    }


async def test_packets_that_are_cut_keep_nothing_and_hurt_nobody(world: World) -> None:
    """Every packet of the table above, and good ones, ends after each of its first bytes: the connection does too."""
    hub = world.hub()
    whole = [published(hub, envelope(hub, Person("a"), up=True).SerializeToString(), qos=1, packet_id=1)[:40]]
    whole += [
        data(notation, up=topic(hub), down=topic(hub, "down"), other=topic(hub), hub=str(hub).encode())[:40]
        for notation, _ in MALFORMED.values()
    ]
    async with bystander(world):
        for packet in whole:
            mqtt = await Hub.connect(world, hub, subscribe=False)
            for each in packet[:-1]:
                mqtt.writer.write(bytes((each,)))
            mqtt.writer.close()
    async with asyncio.timeout(10):
        while hub.bytes in world.node.hubs:  # noqa: ASYNC110 - the node tells nobody
            await asyncio.sleep(0.01)
    assert world.node.outbox.queued == 0


async def test_subscription_floods(world: World) -> None:
    hub = world.hub()
    async with bystander(world):
        mqtt = await Hub.connect(world, hub, subscribe=False)
        for index in range(40):
            wishes = [Subscription(topic_filter=f"flood/{index}/{each}".encode()) for each in range(10)]
            mqtt.writer.write(encode(Subscribe(packet_id=index + 1, subscriptions=wishes), 5))
        said = await mqtt.rest()
        assert last_word(said) == (0xE0, R.QUOTA_EXCEEDED)
        refused = await Hub.connect(world, world.hub(), subscribe=False)
        for name, code in ((b"$share/g/x", 0x9E), (b"ora/v1/h/+/down", 0xA2), (b"#", 0xA2), (topic(hub, "down"), 0x87)):
            wish = Subscribe(packet_id=9, subscriptions=[Subscription(topic_filter=name, qos=1)])
            refused.writer.write(encode(wish, 5))
            assert (await refused.packet())[-1] == code
    assert world.node.counters.closes[Close.SUBSCRIPTION_FLOOD] == 1


async def test_packet_identifiers_that_are_under_way(world: World) -> None:
    person = Person("alice")
    hub = world.hub(person)
    stream = world.receive(person, hub)
    await stream.read()
    async with bystander(world):
        mqtt = await Hub.connect(world, hub, subscribe=False)
        payload = envelope(hub, person, up=True).SerializeToString()
        mqtt.writer.write(published(hub, payload, qos=2, packet_id=7) * 1)
        assert (await mqtt.packet())[0] == 0x50
        mqtt.writer.write(published(hub, payload, qos=1, packet_id=7))
        assert last_word(await mqtt.rest()) == (0xE0, R.PROTOCOL_ERROR)
    assert world.node.counters.closes[Close.PROTOCOL_ERROR] == 1
    stream.cancel()


@pytest.mark.parametrize(("version", "most"), [(5, 64), (4, 1024)])
async def test_qos_2_packets_that_are_never_released(world: World, version: int, most: int) -> None:
    person = Person("alice")
    hub = world.hub(person)
    stream = world.receive(person, hub)
    await stream.read()
    taking = asyncio.create_task(_take_all(stream))
    payload = envelope(hub, person, up=True, size=16).SerializeToString()
    async with bystander(world):
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", world.mqtt_port, ssl=world.tls(str(hub)), server_hostname="localhost"
        )
        writer.write(encode(Connect(version=version, client_id=str(hub)), version))
        await reader.readexactly(4 if version == 4 else 5)
        for packet_id in range(1, most + 200):
            packet = Publish(topic=topic(hub), payload=payload, qos=2, packet_id=packet_id)
            writer.write(encode(packet, version))
        with suppress(OSError, ssl.SSLError):
            async with asyncio.timeout(20):
                await reader.read(-1)
        writer.close()
    assert world.node.counters.closes == {Close.RECEIVE_MAXIMUM: 1}
    assert all(len(each.inbound) <= most for each in world.node.sessions.values())
    taking.cancel()


async def _take_all(stream: object) -> None:
    with suppress(asyncio.CancelledError):
        while True:
            await stream.read()  # type: ignore[attr-defined]


async def test_envelopes_that_are_none(world: World) -> None:
    person = Person("alice")
    hub, other = world.hub(person), world.hub(person)
    gated = envelope(hub, person, up=True, command_id=b"c" * 16)
    foreign = envelope(other, person, up=True)
    stranger = envelope(hub, Person("eve"), up=True)
    downward = envelope(hub, person)
    async with bystander(world):
        mqtt = await Hub.connect(world, hub, subscribe=False)
        rows = {
            b"": Refusal.HEADER_INVALID,
            b"\xff" * 100: Refusal.HEADER_INVALID,
            gated.SerializeToString(): Refusal.GATE_SHUT,
            foreign.SerializeToString(): Refusal.ROUTE_MISMATCH,
            stranger.SerializeToString(): Refusal.PEER_UNKNOWN,
            downward.SerializeToString(): Refusal.ROUTE_MISMATCH,
        }
        for packet_id, (payload, refusal) in enumerate(rows.items(), 1):
            before = world.node.counters.refusals[refusal]
            mqtt.writer.write(published(hub, payload, qos=1, packet_id=packet_id))
            answer = await mqtt.packet()
            assert answer[:2] == b"\x40" + answer[1:2]
            assert answer[4] >= 0x80
            assert refusal.encode() in answer
            assert world.node.counters.refusals[refusal] == before + 1
        large = published(hub, envelope(hub, person, up=True, size=65_537).SerializeToString(), qos=1, packet_id=99)
        mqtt.writer.write(large)
        assert Refusal.TOO_LARGE.encode() in await mqtt.packet()
        mqtt.writer.write(encode_packet(0x30, bytes(70_000)))
        assert last_word(await mqtt.rest()) == (0xE0, R.PACKET_TOO_LARGE)


async def test_a_flood_of_legal_packets_is_slowed_and_not_closed(world: World) -> None:
    hub = world.hub()
    async with bystander(world):
        mqtt = await Hub.connect(world, hub, subscribe=False)
        # Three times the burst of the token bucket, in packets that cost more to handle than their bytes.
        mqtt.writer.write(published(hub) * (3 * world.node.limits.hub_burst // world.node.limits.packet_cost))
        await asyncio.sleep(0.3)
        assert world.node.hubs[hub.bytes] in world.node.throttled
    assert world.node.counters.closes == {}


async def test_slow_connects_and_floods_of_connections(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It takes as long as a CONNECT may: what is shown is that a trickle does not lengthen that."""
    budget = running(
        monkeypatch, tmp_path, ORA_RELAY_HANDSHAKE_BURST_PER_ADDRESS="120", ORA_RELAY_HANDSHAKES_PER_ADDRESS="1"
    )
    async with budget as world:
        hub = world.hub()
        slow_reader, slow = await asyncio.open_connection(
            "127.0.0.1", world.mqtt_port, ssl=world.tls(str(hub)), server_hostname="localhost"
        )
        packet = encode(Connect(version=5, client_id=str(hub)), 5)
        mqtt = await Hub.connect(world, world.hub())
        refused = world.node.counters.handshakes_refused
        # The first of a CONNECT, and then a byte now and again: that does not lengthen its time.
        slow.write(packet[:5])
        opened = []
        for _ in range(300):
            with suppress(OSError):
                opened.append(await asyncio.open_connection("127.0.0.1", world.mqtt_port))
        assert max([await mqtt.ping() for _ in range(_PINGS)]) < 2
        assert refused["ADDRESS_BUDGET"] >= 150
        for index in range(7):
            await asyncio.sleep(1)
            with suppress(OSError):
                slow.write(packet[5 + index : 6 + index])
        with suppress(OSError):
            async with asyncio.timeout(5):
                assert await slow_reader.read() == b""
        assert world.node.counters.closes[Close.CONNECT_TIMEOUT] == 1
        for _, writer in opened:
            writer.close()
        await mqtt.ping()


async def test_the_budget_is_that_of_the_address_behind_the_balancer(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    behind = running(
        monkeypatch,
        tmp_path,
        ORA_RELAY_PROXY_FROM="127.0.0.1/32",
        ORA_RELAY_HANDSHAKE_BURST_PER_ADDRESS="3",
        ORA_RELAY_HANDSHAKES_PER_ADDRESS="0.001",
    )
    async with behind as world:
        refused = world.node.counters.handshakes_refused
        greeting = "0d0a0d0a000d0a515549540a 21 11 000c {source} 7f000001 3039 04d2"
        busy, quiet = bytes((192, 0, 2, 1)), bytes((192, 0, 2, 2))
        for source, opens in [(busy, True)] * 3 + [(busy, False)] * 3 + [(quiet, True)] * 3:
            hub = world.hub()
            answer = await _behind_a_balancer(world, hub, data(greeting, source=source))
            assert (answer[:1] == b"\x20") is opens
        assert refused["ADDRESS_BUDGET"] == 3
        # A balancer that does not say for whom it connects is no balancer.
        assert await _behind_a_balancer(world, world.hub(), b"") == b""
        assert await _behind_a_balancer(world, world.hub(), b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n") == b""
        assert refused["NOT_PROXY"] == 2


async def _behind_a_balancer(world: World, hub: uuid.UUID, greeting: bytes) -> bytes:
    """Say the greeting in two pieces, then TLS and CONNECT; return what comes back."""
    reader, writer = await asyncio.open_connection("127.0.0.1", world.mqtt_port)
    try:
        writer.write(greeting[:7])
        await asyncio.sleep(0.01)
        writer.write(greeting[7:])
        await writer.drain()
        async with asyncio.timeout(5):
            await writer.start_tls(world.tls(str(hub)), server_hostname="localhost")
            writer.write(encode(Connect(version=5, client_id=str(hub)), 5))
            return await reader.read(4)
    except (OSError, ssl.SSLError, EOFError):
        return b""
    finally:
        writer.close()


async def test_a_proxy_header_of_somebody_else_is_no_tls(world: World) -> None:
    greeting = data("0d0a0d0a000d0a515549540a 21 11 000c c0000201 7f000001 3039 04d2")
    assert await _behind_a_balancer(world, world.hub(), greeting) == b""
    assert world.node.counters.handshakes_refused["NOT_TLS"] == 1
