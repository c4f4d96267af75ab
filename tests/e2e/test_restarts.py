"""Restarts under load lose no write that was acknowledged, and a write that is repeated is done once."""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING

import httpx
import pytest

from devstack.dev.phone import AnswerError, Phone
from tests.stack import Stack, started

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.timeout(240)
RESTARTED = ("portal", "gateway", "postgres", "valkey", "fleet")
WRITERS = 3
BEFORE, AFTER = 6, 6


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Stack]:
    """A stack whose parts may be killed."""
    with started(tmp_path / "home") as made:
        yield made


class Writers:
    """Electricians who make templates, each again with its `request_id` until it is acknowledged."""

    def __init__(self, phone: Phone) -> None:
        self.phone = phone
        self.acknowledged: list[str] = []
        self.repeated = 0
        self.ending = False

    async def write(self) -> None:
        while not self.ending:
            name, request = f"Flat {uuid.uuid4().hex}", uuid.uuid4()
            while name not in self.acknowledged:
                try:
                    async with asyncio.timeout(10):
                        await self.phone.post(f"projectTemplates?requestId={request}", {"displayName": name})
                except (AnswerError, httpx.TransportError, TimeoutError, ValueError):
                    self.repeated += 1
                    await asyncio.sleep(0.1)
                else:
                    self.acknowledged.append(name)

    async def more(self, count: int) -> None:
        wanted = len(self.acknowledged) + count
        async with asyncio.timeout(60):
            while len(self.acknowledged) < wanted:  # noqa: ASYNC110 - whoever writes tells by what is acknowledged
                await asyncio.sleep(0.05)

    async def stored(self) -> list[str]:
        found, token = [], ""
        while True:
            page = await self.phone.get(f"projectTemplates?pageSize=100&pageToken={token}")
            found += [each["displayName"] for each in page.get("projectTemplates", ())]
            token = page.get("nextPageToken", "")
            if not token:
                return found


async def test_no_acknowledged_write_is_lost_and_none_is_done_twice(own: Stack) -> None:
    async with own.app() as http:
        boss = Phone(own.running, http, "boss")
        body = {"displayName": "Bright Sparks", "countryCode": "AU"}
        await boss.post(f"organizations?requestId={uuid.uuid4()}", body)
        writers = Writers(boss)
        writing = [asyncio.create_task(writers.write()) for _ in range(WRITERS)]
        for component in RESTARTED:
            await writers.more(BEFORE)
            await asyncio.to_thread(own.kill, component)
            await asyncio.to_thread(own.restart, component)
            await writers.more(AFTER)
        writers.ending = True
        await asyncio.gather(*writing)
        stored = await writers.stored()
    assert writers.repeated > 0, "the kills hit nothing"
    assert sorted(stored) == sorted(writers.acknowledged)
