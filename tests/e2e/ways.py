"""Every way that bytes of a payload take into the cloud, well and badly. Each returns what was answered."""

from __future__ import annotations

import asyncio
import base64
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from ora.relay.v1 import envelope_pb2 as pb

from hubsim import store
from hubsim.link import Delivery, Link, LinkSettings, MqttVersion, client_tls
from sdk.app_client import Attached
from sdk.envelope import header_for_app, header_for_hub, moment
from sdk.keys import new_app_keys
from tests.e2e.home import SECONDS, Home

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sdk.keys import AppKeys

# A field that no version of ours knows (number 99, length-delimited), first, where no serialiser would put it.
UNKNOWN_FIELD = b"\x9a\x06\x07unheard"


def down(home: Home, sealed: bytes, sender: AppKeys | None = None) -> bytes:
    """Return an envelope from an app to the Hub."""
    keys, now = sender or home.keys, moment(time.time_ns() // 1_000_000)
    header = header_for_hub(keys, home.app.hub, now, pb.ENVELOPE_CLASS_TUNNEL)
    return pb.Envelope(route_header=UNKNOWN_FIELD + header.SerializeToString(), sealed=sealed).SerializeToString()


def up(home: Home, sealed: bytes) -> bytes:
    """Return an envelope from the Hub to the app."""
    keys, now = store.load(home.folder).keys, moment(time.time_ns() // 1_000_000)
    header = header_for_app(keys, home.keys.public(), now, pb.ENVELOPE_CLASS_TUNNEL)
    return pb.Envelope(route_header=UNKNOWN_FIELD + header.SerializeToString(), sealed=sealed).SerializeToString()


@asynccontextmanager
async def bare_line(home: Home) -> AsyncIterator[tuple[Link, asyncio.Queue[bytes]]]:
    """A Hub's MQTT line, so that nothing of the simulator parses what arrives. It acknowledges everything."""
    config = home.config()
    inbox: asyncio.Queue[bytes] = asyncio.Queue()
    settings = LinkSettings(
        host=config.mqtt_host,
        port=config.mqtt_port,
        client_id=home.hub,
        version=MqttVersion.V5_0,
        keepalive_s=60,
        tls=client_tls(config.ca_file, home.folder / "tls.crt", home.folder / "tls.key"),
    )

    def take(delivery: Delivery) -> None:
        inbox.put_nowait(bytes(delivery.payload))
        link.acknowledge(delivery)

    link = Link(settings, take)
    await link.open()
    await link.subscribe(f"ora/v1/h/{home.hub}/down")
    try:
        yield link, inbox
    finally:
        link.close()


async def well(home: Home, canary: bytes) -> list[str]:
    """Carry it down and up."""
    async with bare_line(home) as (link, inbox), asyncio.timeout(SECONDS):
        sent = await home.app.send_encoded(down(home, canary * 3))
        assert canary * 3 in await inbox.get()
        async for event in home.app.receive_encoded():
            if isinstance(event, Attached):
                published = asyncio.create_task(link.publish(f"ora/v1/h/{home.hub}/up", up(home, canary)))
                continue
            assert canary in event
            break
        await published
    return [sent.outcome]


async def refused_by_the_relay(home: Home, canary: bytes) -> list[str | None]:
    """Send to a Hub that is away, from a peer that it does not know, and with a header that is none."""
    away = await home.app.send_encoded(down(home, canary))
    stranger = await home.app.send_encoded(down(home, canary, new_app_keys()))
    return [away.outcome, stranger.reason]


async def refused_on_the_line(home: Home, canary: bytes) -> None:
    """Publish what nobody takes: no receiver, a header for another, no envelope, telemetry with a word too many."""
    async with bare_line(home) as (link, _), asyncio.timeout(SECONDS):
        await link.publish(f"ora/v1/h/{home.hub}/up", up(home, canary))
        await link.publish(f"ora/v1/h/{home.hub}/up", down(home, canary))
        await link.publish(f"ora/v1/h/{home.hub}/up", b"\xff" + canary)
        for body in (b'{"motion": "%s"}' % canary.hex().encode(), b'{"cpu_pct": 1, "x": "%s"' % canary.hex().encode()):
            await link.publish(f"ora/v1/h/{home.hub}/telemetry", body)


async def refused_at_the_gateway(home: Home, canary: bytes) -> list[int]:
    """Post what is no JSON, no envelope, too large, from nobody, of another type, to another query."""
    address, spelt = f"/v1/hubs/{home.hub}/envelopes", base64.b64encode(canary).decode()
    known = {"authorization": f"Bearer {home.token}", "content-type": "application/json"}
    whole = b'{"routeHeader": "%s", "sealed": "%s"}' % (spelt.encode(), spelt.encode())
    asked: list[tuple[str, bytes, dict[str, str]]] = [
        (address, b'{"sealed": "' + spelt.encode(), known),
        (address, whole, known),
        (address, b'{"sealed": "' + base64.b64encode(canary * 4096) + b'"}', known),
        (address, whole, known | {"authorization": f"Bearer {canary.hex()}"}),
        (address, whole, known | {"content-type": "text/plain"}),
        (f"{address}?sealed={canary.hex()}", whole, known),
        (f"/v1/hubs/{home.hub}/{canary.hex()}", whole, known),
    ]
    return [(await home.http.post(to, content=body, headers=head)).status_code for to, body, head in asked]


async def refused_as_a_record(home: Home, canary: bytes) -> int:
    """Post a consent that no key has signed."""
    parts = {"statement": canary, "signature": canary * 2, "keyId": canary[:16]}
    record = {name: base64.b64encode(each).decode() for name, each in parts.items()}
    return (await home.records.http.post(f"/v1/hubs/{home.hub}/consent", json=record)).status_code


async def refused_as_packets(home: Home, canary: bytes) -> list[bytes]:
    """Write bytes that are no MQTT, or no lawful MQTT; each ends its connection."""
    told = b"\x00\x20" + canary
    name = len(home.hub).to_bytes(2, "big") + home.hub.encode()
    hello = b"\x00\x04MQTT\x05\xc2\x00\x3c\x00" + name + told + told  # user name and password are not looked at
    connect = b"\x10" + bytes([len(hello)]) + hello
    topic = f"ora/v1/h/{home.hub}/up".encode()
    publish = len(topic).to_bytes(2, "big") + topic + b"\x00\x01\x00" + canary
    large = 70_000
    length = bytes([large % 128 | 128, large // 128 % 128 | 128, large // 16384])
    packets = [
        b"\x30\xff\xff\xff\xff" + canary,  # before CONNECT, with a length that is none
        connect + b"\x36" + bytes([len(publish)]) + publish,  # QoS 3
        connect + b"\x32" + bytes([len(canary) + 2]) + b"\xff\xff" + canary,  # a topic longer than its packet
        connect + b"\x32" + length + canary * 2200,  # too large
        connect + b"\xf0" + bytes([len(canary)]) + canary,  # an AUTH that nobody asked for
    ]
    return [await _until_closed(home, each) for each in packets]


async def _until_closed(home: Home, packet: bytes) -> bytes:
    config = home.config()
    trust = home.stack.tls(home.folder)
    async with asyncio.timeout(SECONDS):
        reader, writer = await asyncio.open_connection(
            config.mqtt_host, config.mqtt_port, ssl=trust, server_hostname="localhost"
        )
        try:
            writer.write(packet)
            try:
                return await reader.read()
            except OSError:
                return b""
        finally:
            writer.close()
