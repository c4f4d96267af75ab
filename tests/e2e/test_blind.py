"""The cloud carries bytes that it neither reads, changes nor keeps."""

from __future__ import annotations

import asyncio
import base64
import gzip
import secrets
import time
from typing import TYPE_CHECKING

import httpx
import pytest
from ora.relay.v1 import envelope_pb2 as pb

from hubsim import store
from hubsim.link import Delivery, Link, LinkSettings, MqttVersion, client_tls
from sdk.app_client import Attached
from sdk.envelope import header_for_app, header_for_hub, moment
from tests.e2e import traces
from tests.e2e.home import SECONDS, Home
from tests.e2e.spellings import spellings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

# A field that no version of ours knows (number 99, length-delimited), first, where no serialiser would put it.
UNKNOWN_FIELD = b"\x9a\x06\x07unheard"


def _down(home: Home, sealed: bytes) -> bytes:
    header = header_for_hub(home.keys, home.app.hub, moment(time.time_ns() // 1_000_000), pb.ENVELOPE_CLASS_TUNNEL)
    return pb.Envelope(route_header=UNKNOWN_FIELD + header.SerializeToString(), sealed=sealed).SerializeToString()


def _up(home: Home, sealed: bytes) -> bytes:
    keys = store.load(home.folder).keys
    header = header_for_app(keys, home.keys.public(), moment(time.time_ns() // 1_000_000), pb.ENVELOPE_CLASS_TUNNEL)
    return pb.Envelope(route_header=UNKNOWN_FIELD + header.SerializeToString(), sealed=sealed).SerializeToString()


@pytest.fixture
async def line(home: Home) -> AsyncIterator[tuple[Link, asyncio.Queue[Delivery]]]:
    """A Hub's bare MQTT line, so that nothing of the simulator parses what arrives."""
    config = home.config()
    inbox: asyncio.Queue[Delivery] = asyncio.Queue()
    settings = LinkSettings(
        host=config.mqtt_host,
        port=config.mqtt_port,
        client_id=home.hub,
        version=MqttVersion.V5_0,
        keepalive_s=60,
        tls=client_tls(config.ca_file, home.folder / "tls.crt", home.folder / "tls.key"),
    )
    link = Link(settings, inbox.put_nowait)
    await link.open()
    await link.subscribe(f"ora/v1/h/{home.hub}/down")
    yield link, inbox
    link.close()


async def _send_and_take(home: Home, encoded: bytes, line: tuple[Link, asyncio.Queue[Delivery]]) -> bytes:
    link, inbox = line
    sending = asyncio.create_task(home.app.send_encoded(encoded))
    async with asyncio.timeout(SECONDS):
        delivery = await inbox.get()
        link.acknowledge(delivery)
        assert (await sending).outcome == "DELIVERED"
    return bytes(delivery.payload)


@pytest.mark.parametrize("size", [1, 127, 128, 2047, 16_384, 65_536])
async def test_what_goes_down_arrives_byte_for_byte(
    home: Home, line: tuple[Link, asyncio.Queue[Delivery]], size: int
) -> None:
    encoded = _down(home, secrets.token_bytes(size))
    arrived = pb.Envelope.FromString(await _send_and_take(home, encoded, line))
    assert arrived.route_header == pb.Envelope.FromString(encoded).route_header
    assert arrived.sealed == pb.Envelope.FromString(encoded).sealed


@pytest.mark.parametrize("size", [1, 2047, 65_536])
async def test_what_goes_up_arrives_byte_for_byte(
    home: Home, line: tuple[Link, asyncio.Queue[Delivery]], size: int
) -> None:
    encoded = _up(home, secrets.token_bytes(size))
    async with asyncio.timeout(SECONDS):
        async for event in home.app.receive_encoded():
            if isinstance(event, Attached):
                publishing = asyncio.create_task(line[0].publish(f"ora/v1/h/{home.hub}/up", encoded))
                continue
            assert pb.Envelope.FromString(event) == pb.Envelope.FromString(encoded)
            break
        assert (await publishing).code == 0


async def test_no_trace_of_a_payload_is_left_anywhere(home: Home, line: tuple[Link, asyncio.Queue[Delivery]]) -> None:
    link, _ = line
    canary = secrets.token_bytes(32)
    await _send_and_take(home, _down(home, canary * 3), line)
    # The ways that end badly keep nothing either: no receiver, a header for another Hub, bytes that are no envelope,
    # a body that is no JSON, and one that is too large.
    await link.publish(f"ora/v1/h/{home.hub}/up", _up(home, canary))
    await link.publish(f"ora/v1/h/{home.hub}/up", _down(home, canary))
    await link.publish(f"ora/v1/h/{home.hub}/up", b"\xff" + canary)
    headers = {"authorization": f"Bearer {home.token}", "content-type": "application/json"}
    address = f"/v1/hubs/{home.hub}/envelopes"
    bodies = (b'{"sealed": "' + base64.b64encode(canary), b'{"sealed": "' + base64.b64encode(canary * 4096) + b'"}')
    async with httpx.AsyncClient(base_url=home.http.base_url, verify=home.stack.tls(), trust_env=False) as client:
        answers = [await client.post(address, content=body, headers=headers) for body in bodies]
    assert [answer.status_code for answer in answers] == [400, 413]
    left = await traces.everything(home.stack)
    assert {"log", "database", "redis", "metrics"} <= {place.split(":")[0] for place in left}
    found = [place for place, content in left.items() for spelt in spellings(canary) if spelt in content]
    assert not found


async def test_the_search_would_find_a_trace(home: Home) -> None:
    """The Hub's id is in the database: if the search cannot see that, it can see nothing."""
    left = await traces.everything(home.stack)
    assert any(home.hub.encode() in content for place, content in left.items() if place.startswith("database:"))


async def test_a_compressed_body_is_not_opened(home: Home) -> None:
    answer = await home.http.post(
        f"/v1/hubs/{home.hub}/envelopes",
        content=gzip.compress(b"{}"),
        headers={
            "authorization": f"Bearer {home.token}",
            "content-type": "application/json",
            "content-encoding": "gzip",
        },
    )
    assert httpx.codes.is_client_error(answer.status_code)
