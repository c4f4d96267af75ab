"""How each reason to end a connection comes about, on a node that is looked at afterwards."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import pytest

from relay.handlers import admission, stream
from relay.io.shell import Shell
from relay.nodes.directory import Directory
from relay.nodes.keeper import Keeper
from relay.routing.elsewhere import Alone
from relay.routing.reasons import Close
from relay.routing.topics import hub_text
from relay.wire.codec import encode
from relay.wire.connect import Connect, Will
from relay.wire.properties import Properties
from relay.wire.publish import Publish
from relay.wire.subscribe import Subscribe, Subscription
from tests.unit.relay.world import DOWN, HUB, OTHER, UP, World, admitted, envelope

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from relay.routing.client import Client

_LARGE: Final = 32 * 1024 * 1024
_THIRD: Final = UUID("0192d1c0-5f3e-7cc1-8000-0242ac120004").bytes
FOREIGN: Final = UP.replace(hub_text(HUB).encode(), hub_text(OTHER).encode())


def hello(**fields: Any) -> bytes:
    return encode(Connect(**{"version": 5, "client_id": hub_text(HUB), "keep_alive": 60, **fields}), 5)


def publish(topic: bytes, **fields: Any) -> bytes:
    properties = Properties(**fields.pop("properties", {}))
    return encode(Publish(topic=topic, payload=b"x", properties=properties, **fields), 5)


def subscribe(*filters: bytes, **properties: Any) -> bytes:
    wishes = [Subscription(topic_filter=each) for each in filters]
    return encode(Subscribe(packet_id=1, subscriptions=wishes, properties=Properties(**properties)), 5)


# What a Hub says instead of a good CONNECT, and after one.
_FIRST: Final = {
    Close.VERSION_NOT_SERVED: b"\x10\x0c\x00\x04MQTT\x03\x02\x00\x3c\x00\x00",
    Close.CLIENT_ID_MISMATCH: hello(client_id=hub_text(OTHER)),
    Close.AUTHENTICATION_METHOD: hello(properties=Properties(authentication_method="x")),
    Close.WILL_NOT_ALLOWED: hello(will=Will(topic=UP, payload=b"x")),
}
_LATER: Final = {
    Close.CLIENT_DISCONNECTED: b"\xe0\x00",
    Close.MALFORMED: b"\xc1\x00",
    Close.PROTOCOL_ERROR: hello(),
    Close.PACKET_TOO_LARGE: b"\x30\xff\xff\xff\x7f",
    Close.TOPIC_FOREIGN: publish(FOREIGN),
    Close.TOPIC_INVALID: publish(b"ora/+"),
    Close.FILTER_INVALID: subscribe(b"a/#/b"),
    Close.TOPIC_ALIAS_INVALID: publish(UP, properties={"topic_alias": 9}),
    Close.RETAIN_NOT_SERVED: publish(UP, retain=True),
    Close.SUBSCRIPTION_IDENTIFIER: subscribe(DOWN, subscription_identifier=[1]),
    Close.SUBSCRIPTION_FLOOD: subscribe(*[b"a"] * 17),
}
# What the fleet service says of a Hub that is connected.
_ADMISSIONS: Final[dict[Close, dict[str, Any]]] = {
    Close.CONSENT_OFF: {"relay": False},
    Close.HUB_NOT_ACTIVE: {"active": False},
    Close.CERTIFICATE_REVOKED: {"revoked_serials": frozenset({b"\x01"})},
}


def _says_first(close: Close) -> Callable[[World], Awaitable[None]]:
    async def scenario(world: World) -> None:
        world.give(world.open(), _FIRST[close])

    return scenario


def _says_later(close: Close) -> Callable[[World], Awaitable[None]]:
    async def scenario(world: World) -> None:
        world.give(world.connect(), _LATER[close])

    return scenario


def _is_told(close: Close) -> Callable[[World], Awaitable[None]]:
    async def scenario(world: World) -> None:
        world.connect()
        admission.answered(world.node, admitted(version=2, **_ADMISSIONS[close]))

    return scenario


async def _certificate_expired(world: World) -> None:
    client = world.open(not_after=datetime(2020, 1, 2, tzinfo=UTC))
    world.give(client, hello())


async def _admission_unavailable(world: World) -> None:
    world.connect()
    world.pass_time(62, silent=True)


async def _keep_alive(world: World) -> None:
    world.connect()
    world.pass_time(92)


async def _connect_timeout(world: World) -> None:
    world.open()
    world.pass_time(7)


async def _taken_over(world: World) -> None:
    world.connect()
    world.connect()


async def _draining(world: World) -> None:
    world.node.draining = True
    world.give(world.open(), hello())


async def _receive_maximum(world: World) -> None:
    client, _ = world.connect(), world.attach()
    for packet_id in range(1, 66):
        world.publish(client, UP, envelope(up=True), qos=1, packet_id=packet_id)


async def _sessions_full(world: World) -> None:
    for hub_id in (HUB, OTHER):
        world.connect(hub_id)
    world.give(world.open(_THIRD), hello(client_id=hub_text(_THIRD)))


class _Flapping(Alone):
    """A directory that has seen this Hub too often."""

    entries: Any = None
    claimed = staticmethod(Directory.claimed)

    def __init__(self, world: World) -> None:
        directory: Any = self
        self._keeper = Keeper(world.node, directory, lambda *_: asyncio.sleep(0))

    def begin_claim(self, hub_id: bytes) -> asyncio.Future[str]:
        del hub_id
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        answer.set_result("0|||5000")
        return answer

    def claim(self, client: Client) -> int | None:
        return self._keeper.claim(client)


async def _flapping(world: World) -> None:
    world.node.elsewhere = _Flapping(world)
    world.give(world.open(), hello())
    await asyncio.sleep(0)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what has no event of its own."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.001)


@asynccontextmanager
async def _plain(world: World) -> AsyncIterator[tuple[Shell, asyncio.StreamWriter]]:
    """Open a socket of a bridge to the node."""
    shell = Shell(world.node, asyncio.get_running_loop())
    port = shell.serve_anybody("127.0.0.1", 0, None)
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(hello(client_id="bridge"))
        await until(lambda: bool(world.node.sessions))
        yield shell, writer
    finally:
        writer.close()
        shell.close()


async def _client_gone(world: World) -> None:
    async with _plain(world) as (_, writer):
        writer.close()
        await until(lambda: bool(world.node.counters.closes))


async def _slow_reader(world: World) -> None:
    async with _plain(world) as (shell, _):
        (client,) = world.node.clients
        client.send(b"\xd0\x00" * (_LARGE // 2))
        await until(lambda: client.unsent > 0)
        shell.connections.sweep(world.node.now + world.node.limits.stalled_seconds)


async def _bug(world: World) -> None:
    def stumble(*_: object) -> None:
        raise RuntimeError("a fault of ours")

    async with _plain(world) as (_, writer):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(stream, "receive", stumble)
            writer.write(b"\xc0\x00")
            await until(lambda: bool(world.node.counters.closes))


CLOSES: Final[dict[Close, Callable[[World], Awaitable[None]]]] = {
    **{each: _says_first(each) for each in _FIRST},
    **{each: _says_later(each) for each in _LATER},
    **{each: _is_told(each) for each in _ADMISSIONS},
    Close.CERTIFICATE_EXPIRED: _certificate_expired,
    Close.ADMISSION_UNAVAILABLE: _admission_unavailable,
    Close.KEEP_ALIVE: _keep_alive,
    Close.CONNECT_TIMEOUT: _connect_timeout,
    Close.TAKEN_OVER: _taken_over,
    Close.DRAINING: _draining,
    Close.RECEIVE_MAXIMUM: _receive_maximum,
    Close.SESSIONS_FULL: _sessions_full,
    Close.FLAPPING: _flapping,
    Close.CLIENT_GONE: _client_gone,
    Close.SLOW_READER: _slow_reader,
    Close.BUG: _bug,
}
