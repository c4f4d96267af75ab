"""The cloud carries bytes that it neither reads, changes nor keeps."""

from __future__ import annotations

import asyncio
import gzip
import secrets
from typing import TYPE_CHECKING

import httpx
import pytest
from ora.relay.v1 import envelope_pb2 as pb

from sdk.app_client import Attached
from tests.e2e import traces
from tests.e2e.home import SECONDS, Home
from tests.e2e.ways import bare_line, down, up

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from hubsim.link import Link


@pytest.fixture
async def line(home: Home) -> AsyncIterator[tuple[Link, asyncio.Queue[bytes]]]:
    async with bare_line(home) as made:
        yield made


async def _send_and_take(home: Home, encoded: bytes, line: tuple[Link, asyncio.Queue[bytes]]) -> bytes:
    async with asyncio.timeout(SECONDS):
        assert (await home.app.send_encoded(encoded)).outcome == "DELIVERED"
        return await line[1].get()


@pytest.mark.parametrize("size", [1, 127, 128, 2047, 16_384, 65_536])
async def test_what_goes_down_arrives_byte_for_byte(
    home: Home, line: tuple[Link, asyncio.Queue[bytes]], size: int
) -> None:
    encoded = down(home, secrets.token_bytes(size))
    arrived = pb.Envelope.FromString(await _send_and_take(home, encoded, line))
    assert arrived.route_header == pb.Envelope.FromString(encoded).route_header
    assert arrived.sealed == pb.Envelope.FromString(encoded).sealed


@pytest.mark.parametrize("size", [1, 2047, 65_536])
async def test_what_goes_up_arrives_byte_for_byte(
    home: Home, line: tuple[Link, asyncio.Queue[bytes]], size: int
) -> None:
    encoded = up(home, secrets.token_bytes(size))
    async with asyncio.timeout(SECONDS):
        async for event in home.app.receive_encoded():
            if isinstance(event, Attached):
                publishing = asyncio.create_task(line[0].publish(f"ora/v1/h/{home.hub}/up", encoded))
                continue
            assert pb.Envelope.FromString(event) == pb.Envelope.FromString(encoded)
            break
        assert (await publishing).code == 0


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
