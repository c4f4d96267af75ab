"""Owns the life of one Hub on the line: connect, take envelopes, answer, wait, connect again.

It opens with the SDK's byte functions and reads and writes messages by betterproto2. It knows neither relay nor gateway
beyond host and port.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
import secrets
import time
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hubsim.backoff import Backoff
from hubsim.link import Answer, Delivery, Link, LinkLostError, LinkRefusedError, LinkSettings, MqttVersion, client_tls
from hubsim.renewal import Renewal
from hubsim.store import HubState, hub_name, load
from hubsim.wire import Arrived, read_content, read_envelope, write_content, write_envelope, write_header
from sdk.errors import SealError, SenderUnknownError, WrongKeyError
from sdk.ids import uuid7
from sdk.sealing import check_sender, open_content, pad_bucket_for, seal_content, sign_payload

if TYPE_CHECKING:
    from hubsim.events import EventSink, Value

REMEMBERED_IDS: Final = 4096
OUTBOX_ENVELOPES: Final = 256
ANSWER_TTL_MS: Final = 30_000
SESSION_TAKEN_OVER: Final = 0x8E
FAILURE_CODE: Final = 0x80


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """An envelope that was opened, its sender proven."""

    message_id: bytes
    peer_id: bytes
    kind: int
    payload: bytes


OnPayload = Callable[[Received], Awaitable[bytes | None]]
Accept = Callable[[Received], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class HubConfig:
    """Where one Hub lives and connects."""

    folder: Path
    mqtt_host: str
    mqtt_port: int
    ca_file: Path
    """Whom it trusts as a server."""
    version: MqttVersion = MqttVersion.V5_0
    keepalive_s: int = 60
    backoff_base_s: float = 1.0
    backoff_cap_s: float = 60.0
    stable_after_s: float = 10.0
    """A connection that held so long was a success; the back-off starts again."""


@dataclass(slots=True, kw_only=True)
class _Outgoing:
    """An envelope up that has no PUBACK yet. Sent again, the same bytes, on the next connection."""

    message_id: bytes
    encoded: bytes
    dead_at: float
    done: asyncio.Future[Answer] = field(repr=False)


async def answer_ping(received: Received) -> bytes | None:
    """Answer `ping…` with `pong…`, and anything else with itself."""
    return b"pong" + received.payload[4:] if received.payload.startswith(b"ping") else received.payload


async def accept_at_once(_: Received) -> None:
    """Take an envelope without further ado."""


class Hub:
    """One Hub. `run` ends only by cancellation."""

    def __init__(
        self,
        config: HubConfig,
        on_payload: OnPayload = answer_ping,
        *,
        on_event: EventSink = lambda _: None,
        accept: Accept = accept_at_once,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        """Build a Hub from its folder.

        Args:
            config: where it lives.
            on_payload: called once for each envelope, after its PUBACK; what it returns is sealed and sent back.
            on_event: told everything that happens, without payloads.
            accept: awaited before the PUBACK; a Hub that writes an envelope down does it here.
            uniform: the randomness of the back-off.
        """
        self._config = config
        self._on_payload = on_payload
        self._on_event = on_event
        self._accept = accept
        self._state = load(config.folder)
        Renewal(config.folder).settle()
        self._tls = client_tls(config.ca_file, config.folder / "tls.crt", config.folder / "tls.key")
        self._elsewhere: deque[tuple[str, int]] = deque()
        self._backoff = Backoff(config.backoff_base_s, config.backoff_cap_s, uniform)
        self._seen: OrderedDict[bytes, None] = OrderedDict()
        self._outbox: OrderedDict[bytes, _Outgoing] = OrderedDict()
        self._link: Link | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._seq = 0

    @property
    def name(self) -> str:
        """The Hub's UUID as text."""
        return hub_name(self._state)

    def reload(self) -> None:
        """Show the certificate that is in the folder now, from the next connection on; this one goes on."""
        self._tls.load_cert_chain(self._config.folder / "tls.crt", self._config.folder / "tls.key")

    def tell(self, event: str, **facts: Value) -> None:
        """Tell the observer of what another part of this Hub did."""
        self._emit(event, **facts)

    async def run(self) -> None:
        """Connect, serve, wait, for ever."""
        while True:
            delay_s = await self._session()
            self._emit("waiting", delay_ms=round(delay_s * 1000))
            await asyncio.sleep(delay_s)

    def send(
        self, peer_id: bytes, payload: bytes, *, kind: int = 1, ttl_ms: int = ANSWER_TTL_MS
    ) -> asyncio.Future[Answer]:
        """Seal ``payload`` to a paired app and send it, now or when the line is back; the future gives the PUBACK.

        The future is cancelled when `ttl_ms` has passed once the line is back, or the outbox is full of newer ones.

        Raises:
            SenderUnknownError: no such app is paired.
            PayloadTooLargeError: it does not fit in an envelope.
        """
        message_id, encoded = self._seal(peer_id, payload, kind=kind, ttl_ms=ttl_ms)
        loop = asyncio.get_running_loop()
        outgoing = _Outgoing(
            message_id=message_id, encoded=encoded, dead_at=loop.time() + ttl_ms / 1000, done=loop.create_future()
        )
        self._outbox[message_id] = outgoing
        while len(self._outbox) > OUTBOX_ENVELOPES:
            self._drop(next(iter(self._outbox.values())), "OUTBOX_FULL")
        if self._link is not None:
            self._start(self._publish(self._link, outgoing))
        return outgoing.done

    async def report(self, payload: bytes) -> Answer:
        """Publish one report of this Hub's own health; return the PUBACK. What is not taken is the caller's to repeat.

        Raises:
            LinkLostError: the Hub is not connected, or the connection broke before the PUBACK.
        """
        if self._link is None:
            raise LinkLostError("not connected")
        answer = await self._link.publish(f"ora/v1/h/{self.name}/telemetry", payload)
        self._emit("reported", payload_bytes=len(payload), **_said(answer))
        return answer

    async def _session(self) -> float:
        """Hold one connection from beginning to end; return how long to wait before the next, in seconds."""
        inbox: asyncio.Queue[Delivery] = asyncio.Queue()
        # Where the last server has sent us, once each; then where we began.
        host, port = self._elsewhere.popleft() if self._elsewhere else (self._config.mqtt_host, self._config.mqtt_port)
        settings = LinkSettings(
            host=host,
            port=port,
            client_id=self.name,
            version=self._config.version,
            keepalive_s=self._config.keepalive_s,
            tls=self._tls,
        )
        link = Link(settings, inbox.put_nowait)
        try:
            await link.open()
            await link.subscribe(f"ora/v1/h/{self.name}/down")
        except LinkRefusedError as error:
            link.close()
            self._emit("refused", **_said(error.answer))
            self._elsewhere.extend(error.answer.elsewhere)
            return self._backoff.after_failure(error.answer.retry_after_ms / 1000)
        except LinkLostError as error:
            link.close()
            self._emit("unreachable", error=str(error))
            return self._backoff.after_failure()
        self._emit("connected", version=self._config.version.value)
        started = time.monotonic()
        try:
            ended = await self._serve(link, inbox)
        finally:
            self._link = None
            link.close()
        self._elsewhere = deque(ended.elsewhere)
        self._emit("disconnected", from_server=ended.from_server, **_said(ended))
        if time.monotonic() - started >= self._config.stable_after_s:
            self._backoff.succeeded()
        if ended.code == SESSION_TAKEN_OVER:  # another has this Hub's certificate: do not fight over the session
            return self._backoff.longest()
        return self._backoff.after_failure(ended.retry_after_ms / 1000)

    async def _serve(self, link: Link, inbox: asyncio.Queue[Delivery]) -> Answer:
        """Take what comes and send what waits until the connection ends."""
        self._link = link
        for outgoing in list(self._outbox.values()):
            self._start(self._publish(link, outgoing))
        taking = asyncio.create_task(self._take_all(link, inbox))
        closed = asyncio.ensure_future(link.closed())
        try:
            await asyncio.wait({taking, closed}, return_when=asyncio.FIRST_COMPLETED)
            if taking.done():
                taking.result()  # a bug in here is not hidden
            return await closed
        finally:
            taking.cancel()
            closed.cancel()

    async def _take_all(self, link: Link, inbox: asyncio.Queue[Delivery]) -> None:
        while True:
            await self._take(link, await inbox.get())

    async def _take(self, link: Link, delivery: Delivery) -> None:
        """Open one envelope, note it, acknowledge it, then act on it.

        What does not open is acknowledged too: the same bytes will not open the next time.
        """
        try:
            arrived = read_envelope(delivery.payload, self._state.keys.hub_id)
            if arrived.message_id in self._seen:
                self._emit("duplicate", message_id=arrived.message_id.hex())
                link.acknowledge(delivery)
                return
            received = self._open(arrived)
        except SealError as error:
            self._emit("dropped", reason=error.reason)
            link.acknowledge(delivery)
            return
        await self._accept(received)
        self._remember(received.message_id)
        self._emit(
            "envelope",
            message_id=received.message_id.hex(),
            peer_id=received.peer_id.hex(),
            kind=received.kind,
            payload_bytes=len(received.payload),
            payload_sha256=hashlib.sha256(received.payload).hexdigest(),
            version=self._config.version.value,
        )
        link.acknowledge(delivery)
        answer = await self._on_payload(received)
        if answer is not None:
            self._answer(received, answer)

    def _answer(self, received: Received, payload: bytes) -> None:
        """Send an answer; one that cannot be sealed (too large for the app's suite, unpaired since) is given up."""
        try:
            self.send(received.peer_id, payload, kind=received.kind)
        except SealError as error:
            self._emit("answer_dropped", message_id=received.message_id.hex(), reason=error.reason)

    def _open(self, arrived: Arrived) -> Received:
        """Open an envelope with this Hub's key for its sender.

        Pairing may have happened while the Hub was running, so a stranger is looked up once more in the folder.
        """
        try:
            return open_with(self._state, arrived)
        except (SenderUnknownError, WrongKeyError):
            self._state = load(self._config.folder)
            return open_with(self._state, arrived)

    def _seal(self, peer_id: bytes, payload: bytes, *, kind: int, ttl_ms: int) -> tuple[bytes, bytes]:
        """Return message id and encoded Envelope."""
        app = self._state.app(peer_id)
        if app is None:
            raise SenderUnknownError("no such app is paired")
        now_ms = time.time_ns() // 1_000_000
        message_id = uuid7(now_ms, secrets.token_bytes(10))
        pad_bucket = pad_bucket_for(app.sealing_public.suite, len(payload))
        self._seq += 1
        header = write_header(
            hub_id=self._state.keys.hub_id,
            peer_id=peer_id,
            message_id=message_id,
            kind=kind,
            created_ms=now_ms,
            ttl_ms=ttl_ms,
            key_epoch=app.key_epoch,
            pad_bucket=pad_bucket,
            seq=self._seq,
        )
        content = write_content(payload, sign_payload(self._state.keys.identity, route_header=header, payload=payload))
        sealed = seal_content(app.sealing_public, route_header=header, content=content, pad_bucket=pad_bucket)
        return message_id, write_envelope(header, sealed)

    async def _publish(self, link: Link, outgoing: _Outgoing) -> None:
        """Publish one envelope; it stays in the outbox until its PUBACK."""
        if asyncio.get_running_loop().time() >= outgoing.dead_at:
            self._drop(outgoing, "EXPIRED")
            return
        try:
            answer = await link.publish(f"ora/v1/h/{self.name}/up", outgoing.encoded)
        except LinkLostError:
            return
        self._outbox.pop(outgoing.message_id, None)
        event = "answer_refused" if answer.code >= FAILURE_CODE else "answer_sent"
        self._emit(event, message_id=outgoing.message_id.hex(), **_said(answer))
        if not outgoing.done.done():
            outgoing.done.set_result(answer)

    def _drop(self, outgoing: _Outgoing, reason: str) -> None:
        """Give an envelope up."""
        self._outbox.pop(outgoing.message_id, None)
        outgoing.done.cancel()
        self._emit("answer_dropped", message_id=outgoing.message_id.hex(), reason=reason)

    def _remember(self, message_id: bytes) -> None:
        """Note an id, so that the envelope is acted on once."""
        self._seen[message_id] = None
        if len(self._seen) > REMEMBERED_IDS:
            self._seen.popitem(last=False)

    def _start(self, work: Awaitable[None]) -> None:
        """Run a publication beside the taking, and keep hold of it."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _emit(self, event: str, **facts: Value) -> None:
        self._on_event({"hub": self.name, "event": event, **facts})


def open_with(state: HubState, arrived: Arrived) -> Received:
    """Open an envelope with what ``state`` knows."""
    app = state.app(arrived.peer_id)
    if app is None:
        raise SenderUnknownError("no such peer")
    key = state.keys.sealing.get(arrived.key_epoch)
    if key is None:
        raise WrongKeyError(f"no key of epoch {arrived.key_epoch}")
    payload, signature = read_content(
        open_content(key, route_header=arrived.route_header, sealed=arrived.sealed, pad_bucket=arrived.pad_bucket)
    )
    check_sender(app.signing_public, route_header=arrived.route_header, payload=payload, signature=signature)
    return Received(message_id=arrived.message_id, peer_id=arrived.peer_id, kind=arrived.kind, payload=payload)


def _said(answer: Answer) -> dict[str, Value]:
    """Return what the server said, for an event."""
    return {"code": answer.code, "name": answer.name, "reason": answer.reason, "retry_after_ms": answer.retry_after_ms}
