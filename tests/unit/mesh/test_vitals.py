from __future__ import annotations

import asyncio
import threading
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

import pytest

from mesh import vitals

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def not_ready() -> Iterator[None]:
    yield
    vitals.readiness.ready = False


def ask(port: int, path: str) -> int:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        return refused.code


async def answers(port: int, *paths: str) -> list[int]:
    return [await asyncio.to_thread(ask, port, each) for each in paths]


async def test_ready_follows_the_server_and_alive_does_not() -> None:
    server = vitals.serve("127.0.0.1:0")
    port = server.server_port
    assert await answers(port, "/livez", "/readyz", "/metrics", "/") == [200, 503, 200, 404]
    vitals.readiness.ready = True
    assert await answers(port, "/livez", "/readyz") == [200, 200]
    assert await asyncio.to_thread(vitals.main, ["readyz"], f"0.0.0.0:{port}") == 0
    vitals.readiness.ready = False
    assert await asyncio.to_thread(vitals.main, [], f"127.0.0.1:{port}") == 1
    server.shutdown()
    server.server_close()
    assert await asyncio.to_thread(vitals.main, ["livez"], f"127.0.0.1:{port}") == 1


async def test_a_loop_that_hangs_is_not_alive() -> None:
    server = vitals.serve("127.0.0.1:0")
    seen: list[int] = []
    asking = threading.Thread(target=lambda: seen.append(ask(server.server_port, "/livez")))
    asking.start()
    asking.join()  # holds the loop until the answer is there
    assert seen == [503]
    server.shutdown()
    server.server_close()
