"""Owns how an app talks to a Hub through the cloud: REST to send, server-sent events to receive. It stores nothing.

The reference for the mobile teams, and what the demo and `ora dev` use. Contract:
proto/ora/relay/v1/relay_service.proto; its JSON is Protobuf's, so bytes are base64.
"""

from __future__ import annotations

import base64
import binascii
import json
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import httpx
from ora.relay.v1 import envelope_pb2 as pb

from sdk.envelope import Opened, app_receiver, header_for_hub, moment, open_envelope, seal
from sdk.errors import MalformedError
from sdk.ids import hub_text
from sdk.keys import AppKeys, HubPublic

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


REMEMBERED_IDS: Final = 4096
SEND_TIMEOUT_S: Final = 20.0  # the gateway answers within the contract's 15 s
DEFAULT_HEARTBEAT_MS: Final = 30_000
MISSED_HEARTBEATS: Final = 3


class ApiError(Exception):
    """The cloud refused a call; a problem document (RFC 9457) says why."""

    def __init__(self, status: int, reason: str, detail: str) -> None:
        super().__init__(f"{status} {reason}: {detail}")
        self.status = status
        self.reason = reason
        """Stable and UPPER_SNAKE; `HTTP_{status}` where the answer gave none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What became of one envelope."""

    message_id: bytes
    """16 bytes."""
    outcome: str
    """`DELIVERED`, `QUEUED`, `OFFLINE`, `EXPIRED` or `REFUSED`."""
    reason: str | None
    """Set when refused: a RefusalReason without its prefix."""
    retry_after_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """The stream receives from now on."""

    hub_connected: bool
    heartbeat_ms: int


@dataclass(frozen=True, slots=True)
class AppClient:
    """One app session that is paired with one Hub."""

    http: httpx.AsyncClient
    """With the gateway's base URL and trust."""
    hub: HubPublic
    keys: AppKeys
    token: Callable[[], str]
    """Gives the person's access token when it is needed, so that it may be renewed."""

    async def send(
        self,
        payload: bytes,
        *,
        kind: pb.EnvelopeClass.ValueType = pb.ENVELOPE_CLASS_TUNNEL,
        ttl_ms: int = 0,
        seq: int = 0,
    ) -> Sent:
        """Seal ``payload`` to the Hub and send it.

        Raises:
            ApiError: the call was refused.
            PayloadTooLargeError: the payload does not fit in an envelope.
        """
        header = header_for_hub(self.keys, self.hub, moment(time.time_ns() // 1_000_000), kind)
        header.ttl_ms = ttl_ms
        header.seq = seq
        return await self.send_encoded(
            seal(header, payload, receiver=self.hub.sealing_public, sender=self.keys.signing)
        )

    async def send_encoded(self, encoded: bytes) -> Sent:
        """Send an Envelope that is sealed already; to retry, send the same bytes again.

        Raises:
            ApiError: the call was refused.
        """
        envelope = pb.Envelope.FromString(encoded)
        response = await self.http.post(
            f"/v1/hubs/{hub_text(self.hub.hub_id)}/envelopes",
            json={"routeHeader": _to_base64(envelope.route_header), "sealed": _to_base64(envelope.sealed)},
            headers=self._headers("application/json"),
            timeout=SEND_TIMEOUT_S,
        )
        if response.status_code != httpx.codes.OK:
            raise api_error(response.status_code, response.content)
        answer: dict[str, Any] = response.json()
        return Sent(
            message_id=base64.b64decode(answer.get("messageId", "")),
            outcome=str(answer.get("outcome", "")).removeprefix("OUTCOME_"),
            reason=_reason(str(answer.get("reason", ""))),
            retry_after_ms=answer.get("retryAfterMs"),
        )

    async def receive(self) -> AsyncIterator[Attached | Opened]:
        """Attach, then yield what the Hub sends, each envelope once. Ends when the server ends the stream.

        Raises:
            ApiError: the call was refused, or the stream ended with a failure.
            SealError: an envelope does not open.
            httpx.ReadTimeout: three heartbeats were missed.
        """
        receiver = app_receiver(self.keys, self.hub)
        seen: OrderedDict[bytes, None] = OrderedDict()
        async for encoded in self.receive_encoded():
            if isinstance(encoded, Attached):
                yield encoded
                continue
            opened = open_envelope(encoded, receiver)
            if opened.header.message_id in seen:
                continue
            seen[opened.header.message_id] = None
            if len(seen) > REMEMBERED_IDS:
                seen.popitem(last=False)
            yield opened

    async def receive_encoded(self) -> AsyncIterator[Attached | bytes]:
        """Attach, then yield encoded Envelopes as they come, without opening them.

        Raises:
            ApiError: the call was refused, or the stream ended with a failure.
            MalformedError: the stream carries something else.
        """
        peer_id = base64.urlsafe_b64encode(self.keys.public().peer_id).decode()
        timeout = httpx.Timeout(SEND_TIMEOUT_S, read=DEFAULT_HEARTBEAT_MS / 1000 * MISSED_HEARTBEATS)
        async with self.http.stream(
            "GET",
            f"/v1/hubs/{hub_text(self.hub.hub_id)}/envelopes:receive",
            params={"peerId": peer_id},
            headers=self._headers("text/event-stream"),
            timeout=timeout,
        ) as response:
            if response.status_code != httpx.codes.OK:
                raise api_error(response.status_code, await response.aread())
            async for data in events(response.aiter_lines()):
                if (event := _decode_event(data)) is not None:
                    yield event

    def _headers(self, accept: str) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token()}", "accept": accept}


async def events(lines: AsyncIterator[str]) -> AsyncIterator[str]:
    """Yield the data of each server-sent event (HTML Living Standard §9.2), comments and other fields left out."""
    data: list[str] = []
    async for line in lines:
        if line.startswith("data:"):
            data.append(line.removeprefix("data:").removeprefix(" "))
        elif not line and data:
            yield "\n".join(data)
            data.clear()


def api_error(status: int, body: bytes) -> ApiError:
    """Make an error from an answer, whether it is a problem document or not."""
    try:
        problem = json.loads(body)
    except ValueError:
        problem = None
    if not isinstance(problem, dict):
        problem = {}
    reason = problem.get("reason") or f"HTTP_{status}"
    return ApiError(status, str(reason), str(problem.get("detail") or problem.get("title") or "no detail"))


def _decode_event(data: str) -> Attached | bytes | None:
    """Read one ReceiveResponse; None for a heartbeat."""
    try:
        event: dict[str, Any] = dict(json.loads(data).items())  # a list or a number has no items
        if "attached" in event:
            attached = event["attached"]
            return Attached(
                hub_connected=bool(attached.get("hubConnected", False)),
                heartbeat_ms=int(attached.get("heartbeatMs", DEFAULT_HEARTBEAT_MS)),
            )
        if "code" in event:  # google.rpc.Status: the stream ends with it
            raise ApiError(httpx.codes.OK, f"GRPC_{event['code']}", str(event.get("message", "")))
        if "envelope" not in event:
            return None
        envelope = event["envelope"]
        return pb.Envelope(
            route_header=base64.b64decode(envelope["routeHeader"], validate=True),
            sealed=base64.b64decode(envelope["sealed"], validate=True),
        ).SerializeToString(deterministic=True)
    except (AttributeError, KeyError, TypeError, ValueError, binascii.Error):
        raise MalformedError("the stream carries no ReceiveResponse") from None


def _reason(name: str) -> str | None:
    """Return a RefusalReason's own name; None where there is none (the gateway prints the zero value)."""
    short = name.removeprefix("REFUSAL_REASON_")
    return None if short in {"", "UNSPECIFIED"} else short


def _to_base64(value: bytes) -> str:
    return base64.b64encode(value).decode()
