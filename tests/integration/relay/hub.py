"""A Hub that speaks bytes, for what MQTT libraries will not do."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Protocol

from relay.wire.codec import encode
from relay.wire.connect import Connect
from relay.wire.subscribe import Subscribe, Subscription

if TYPE_CHECKING:
    import ssl
    import uuid
    from contextlib import AsyncExitStack


class Door(Protocol):
    """Where Hubs come in."""

    mqtt_port: int
    stack: AsyncExitStack

    def tls(self, name: str) -> ssl.SSLContext:
        """Return the context of a Hub."""


class RefusedError(Exception):
    """The CONNACK is a refusal; its reason string says why."""


class Hub:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def connect(cls, world: Door, hub: uuid.UUID, *, subscribe: bool = True) -> Hub:
        """Open a session; it is closed with the world."""
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", world.mqtt_port, ssl=world.tls(str(hub)), server_hostname="localhost"
        )
        world.stack.callback(writer.close)
        self = cls(reader, writer)
        writer.write(encode(Connect(version=5, client_id=str(hub)), 5))
        answer = await self.packet()
        assert answer[0] == 0x20
        if answer[3]:
            raise RefusedError(answer)
        if subscribe:
            wish = Subscription(topic_filter=f"ora/v1/h/{hub}/down".encode(), qos=1)
            writer.write(encode(Subscribe(packet_id=1, subscriptions=[wish]), 5))
            assert (await self.packet())[0] == 0x90
        return self

    async def packet(self, begun: bytes = b"") -> bytes:
        """Return the next packet, of which ``begun`` may have been read."""
        head = begun + await self.reader.readexactly(2 - len(begun))
        length, shift = head[1] & 0x7F, 0
        while head[-1] & 0x80:
            head += await self.reader.readexactly(1)
            shift += 7
            length |= (head[-1] & 0x7F) << shift
        return head + await self.reader.readexactly(length)

    async def ping(self) -> float:
        """Ask for a PINGRESP; return how long it took."""
        began = time.perf_counter()
        self.writer.write(b"\xc0\x00")
        assert await self.packet() == b"\xd0\x00"
        return time.perf_counter() - began

    def acknowledge(self, packet: bytes) -> None:
        """Say PUBACK to a PUBLISH."""
        at = 2
        while packet[at - 1] & 0x80:
            at += 1
        at += 2 + int.from_bytes(packet[at : at + 2], "big")
        self.writer.write(b"\x40\x02" + packet[at : at + 2])

    async def rest(self) -> bytes:
        """Return all that comes until the relay closes."""
        async with asyncio.timeout(10):
            return await self.reader.read()
