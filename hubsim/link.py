"""Owns one MQTT connection: paho-mqtt on the event loop, over mutual TLS 1.3. It knows no envelope, never reconnects.

paho acknowledges when it is told to (`manual_ack`), which aiomqtt cannot do; hence this file instead of aiomqtt.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from paho.mqtt.client import MQTT_ERR_SUCCESS, Client, MQTTMessage, MQTTv5, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from paho.mqtt.client import ConnectFlags, DisconnectFlags
    from paho.mqtt.enums import MQTTProtocolVersion
    from paho.mqtt.reasoncodes import ReasonCode

ANSWER_TIMEOUT_S: Final = 10.0
RECEIVE_MAXIMUM: Final = 32
MAXIMUM_PACKET_BYTES: Final = 66 * 1024
FAILURE_CODE: Final = 0x80
RETRY_AFTER_PROPERTY: Final = "retry-after-ms"
_MOST_PLACES: Final = 8
_LAST_PORT: Final = 65_535


class MqttVersion(Enum):
    """What a Hub may speak."""

    V3_1_1 = "3.1.1"
    V5_0 = "5.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkSettings:
    """Where to connect, and as whom."""

    host: str
    port: int
    client_id: str
    version: MqttVersion
    keepalive_s: int
    tls: ssl.SSLContext


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the server said in a CONNACK, PUBACK, SUBACK or DISCONNECT."""

    code: int
    """An MQTT 5.0 reason code; those of 3.1.1 are translated."""
    name: str
    reason: str | None = None
    """The Reason String: our named reason, such as CONSENT_OFF. MQTT 5.0 only."""
    retry_after_ms: int = 0
    """The server's advice; 0: none."""
    elsewhere: tuple[tuple[str, int], ...] = ()
    """Where the server sends us instead, in the order to try: host and port."""
    from_server: bool = True
    """False: the connection broke without a word."""


class LinkRefusedError(Exception):
    """The server refused the connection or the subscription."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"{answer.name} ({answer.reason or 'no reason given'})")
        self.answer = answer


class LinkLostError(Exception):
    """The connection is not there: never made, or broken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A PUBLISH that came in."""

    topic: str
    payload: bytes
    mid: int
    qos: int


def client_tls(ca_file: Path, certificate: Path, key: Path) -> ssl.SSLContext:
    """Return a client context that speaks TLS 1.3 only and shows the Hub's certificate."""
    context = ssl.create_default_context(cafile=ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(certificate, key)
    return context


class Link:
    """One connection. Every method is called in the event loop."""

    def __init__(self, settings: LinkSettings, on_delivery: Callable[[Delivery], None]) -> None:
        self._settings = settings
        self._on_delivery = on_delivery
        self._loop = asyncio.get_running_loop()
        self._connected: asyncio.Future[Answer] = self._loop.create_future()
        self._closed: asyncio.Future[Answer] = self._loop.create_future()
        self._published: dict[int, asyncio.Future[Answer]] = {}
        self._subscribed: dict[int, asyncio.Future[Answer]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._client = self._new_client()

    async def open(self) -> None:
        """Connect.

        Raises:
            LinkRefusedError: the server said no.
            LinkLostError: nobody answers, TLS fails, or the server hangs up.
        """
        connecting = asyncio.ensure_future(asyncio.to_thread(self._connect_blocking))
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                await asyncio.shield(connecting)
                self._keep_alive()
                answer = await self._connected
        except OSError as error:  # TimeoutError and ssl.SSLError are such
            self._abandon(connecting)
            raise LinkLostError(f"{type(error).__name__}: {error}") from error
        except BaseException:
            self._abandon(connecting)
            raise
        if not answer.from_server:  # TLS 1.3 tells a client that its certificate is refused only here
            self.close()
            raise LinkLostError(f"the server hung up before its CONNACK: {answer.name}")
        if answer.code >= FAILURE_CODE:
            self.close()
            raise LinkRefusedError(answer)

    async def subscribe(self, topic: str) -> None:
        """Subscribe with QoS 1.

        Raises:
            LinkRefusedError: the server said no.
            LinkLostError: the connection broke.
        """
        code, mid = self._client.subscribe(topic, qos=1)
        if code != MQTT_ERR_SUCCESS or mid is None:
            raise LinkLostError("not connected")
        answer = await self._answer(self._subscribed, mid)
        if answer.code >= FAILURE_CODE:
            raise LinkRefusedError(answer)

    async def publish(self, topic: str, payload: bytes) -> Answer:
        """Publish with QoS 1; return the PUBACK.

        Raises:
            LinkLostError: the connection broke before the PUBACK.
        """
        info = self._client.publish(topic, payload, qos=1)
        if info.rc != MQTT_ERR_SUCCESS:
            raise LinkLostError("not connected")
        return await self._answer(self._published, info.mid)

    def acknowledge(self, delivery: Delivery) -> None:
        """Send the PUBACK of a delivery, if it wants one."""
        if not self._closed.done():
            self._client.ack(delivery.mid, delivery.qos)

    async def closed(self) -> Answer:
        """Wait for the end; return why."""
        return await asyncio.shield(self._closed)

    def close(self) -> None:
        """Say goodbye, without waiting for the server."""
        if self._client.socket() is not None:
            self._client.disconnect()
            self._client.loop_write()
        self._end(Answer(code=0, name="Closed here", from_server=False))

    def _abandon(self, connecting: asyncio.Future[None]) -> None:
        """Give up while the thread may still be connecting."""

        def end(done: asyncio.Future[None]) -> None:
            if not done.cancelled():
                done.exception()  # seen, so that nothing warns of it
            self.close()

        connecting.add_done_callback(end)

    def _connect_blocking(self) -> None:
        """Resolve, connect and shake hands: paho does these three blocking, so this runs in a thread."""
        if self._settings.version is MqttVersion.V3_1_1:
            self._client.connect(self._settings.host, self._settings.port, self._settings.keepalive_s)
            return
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = 0
        properties.ReceiveMaximum = RECEIVE_MAXIMUM
        properties.MaximumPacketSize = MAXIMUM_PACKET_BYTES
        self._client.connect(
            self._settings.host,
            self._settings.port,
            self._settings.keepalive_s,
            clean_start=True,
            properties=properties,
        )

    async def _answer(self, waiting: dict[int, asyncio.Future[Answer]], mid: int) -> Answer:
        """Wait for the answer with this packet id, or for the end of the connection."""
        answer = waiting.setdefault(mid, self._loop.create_future())
        try:
            await asyncio.wait({answer, self._closed}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.pop(mid, None)
        if not answer.done():
            raise LinkLostError("the connection broke before the answer")
        return answer.result()

    def _end(self, answer: Answer) -> None:
        """Settle everything that waits."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._connected.done():
            self._connected.set_result(answer)
        if not self._closed.done():
            self._closed.set_result(answer)

    def _keep_alive(self) -> None:
        """Let paho send its PINGREQ in time, and notice a PINGRESP that does not come."""
        self._client.loop_misc()
        if not self._closed.done():
            self._timer = self._loop.call_later(max(1.0, self._settings.keepalive_s / 4), self._keep_alive)

    def _new_client(self) -> Client:
        version: MQTTProtocolVersion = MQTTv5 if self._settings.version is MqttVersion.V5_0 else MQTTv311
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._settings.client_id,
            clean_session=None if version == MQTTv5 else True,
            protocol=version,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        client.tls_set_context(self._settings.tls)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        client.on_subscribe = self._on_subscribe
        client.on_socket_open = self._on_socket_open
        client.on_socket_close = self._on_socket_close
        client.on_socket_register_write = self._on_register_write
        client.on_socket_unregister_write = self._on_unregister_write
        return client

    def _readable(self, sock: ssl.SSLSocket) -> None:
        """Read until TLS holds nothing back: a decrypted packet in its buffer makes no socket readable."""
        self._client.loop_read()
        while self._client.socket() is sock and sock.pending():
            self._client.loop_read()

    def _on_socket_open(self, _client: Client, _userdata: Any, sock: Any) -> None:
        self._loop.call_soon_threadsafe(self._watch, sock)

    def _watch(self, sock: ssl.SSLSocket) -> None:
        """Read what comes, and what came before this ran; comes from the connecting thread."""
        if sock.fileno() >= 0:
            # A PUBACK and the answer after it are two small writes: Nagle would hold the second back for 40 ms.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._loop.add_reader(sock.fileno(), self._readable, sock)

    def _on_socket_close(self, _client: Client, _userdata: Any, sock: Any) -> None:
        if (number := sock.fileno()) >= 0:
            self._loop.remove_reader(number)
            self._loop.remove_writer(number)

    def _on_register_write(self, _client: Client, _userdata: Any, sock: Any) -> None:
        self._loop.call_soon_threadsafe(self._want_write, sock)

    def _want_write(self, sock: socket.socket) -> None:
        if sock.fileno() >= 0 and self._client.want_write():
            self._loop.add_writer(sock.fileno(), self._client.loop_write)

    def _on_unregister_write(self, _client: Client, _userdata: Any, sock: Any) -> None:
        if sock.fileno() >= 0:
            self._loop.remove_writer(sock.fileno())

    def _on_connect(
        self, _client: Client, _userdata: Any, _flags: ConnectFlags, code: ReasonCode, properties: Properties | None
    ) -> None:
        if not self._connected.done():
            self._connected.set_result(answer_of(code, properties))

    def _on_disconnect(
        self, _client: Client, _userdata: Any, flags: DisconnectFlags, code: ReasonCode, properties: Properties | None
    ) -> None:
        self._end(answer_of(code, properties, from_server=flags.is_disconnect_packet_from_server))

    def _on_message(self, _client: Client, _userdata: Any, message: MQTTMessage) -> None:
        self._on_delivery(
            Delivery(topic=message.topic, payload=bytes(message.payload), mid=message.mid, qos=message.qos)
        )

    def _on_publish(
        self, _client: Client, _userdata: Any, mid: int, code: ReasonCode, properties: Properties | None
    ) -> None:
        self._settle(self._published, mid, answer_of(code, properties))

    def _on_subscribe(
        self, _client: Client, _userdata: Any, mid: int, codes: list[ReasonCode], properties: Properties | None
    ) -> None:
        self._settle(self._subscribed, mid, answer_of(codes[0], properties))

    def _settle(self, waiting: dict[int, asyncio.Future[Answer]], mid: int, answer: Answer) -> None:
        """Give an answer to whoever waits for it, or will in this very turn."""
        future = waiting.setdefault(mid, self._loop.create_future())
        if not future.done():
            future.set_result(answer)


def answer_of(code: ReasonCode, properties: Properties | None, *, from_server: bool = True) -> Answer:
    """Read a reason code and the properties beside it."""
    said: dict[str, str] = dict(getattr(properties, "UserProperty", None) or [])
    advice = said.get(RETRY_AFTER_PROPERTY, "")
    return Answer(
        code=code.value,
        name=code.getName(),
        reason=getattr(properties, "ReasonString", None),
        retry_after_ms=int(advice) if advice.isdecimal() else 0,
        elsewhere=_places(getattr(properties, "ServerReference", None) or ""),
        from_server=from_server,
    )


def _places(reference: str) -> tuple[tuple[str, int], ...]:
    """Read a Server Reference (MQTT5 4.11): `host:port`, one or more, a blank between them; others are passed over."""
    found = []
    for each in reference.split()[:_MOST_PLACES]:
        host, colon, port = each.rpartition(":")
        if colon and host and port.isdecimal() and 0 < int(port) <= _LAST_PORT:
            found.append((host.strip("[]"), int(port)))
    return tuple(found)
