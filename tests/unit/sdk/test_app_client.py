"""The app's REST client against answers as the gateway writes them."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import httpx
import pytest
from ora.relay.v1 import envelope_pb2 as pb

from sdk.app_client import ApiError, AppClient, Attached
from sdk.errors import MalformedError
from sdk.keys import new_app_keys, new_hub_keys

if TYPE_CHECKING:
    from collections.abc import Callable

HUB = new_hub_keys(b"h" * 16)
ENVELOPE = pb.Envelope(route_header=b"header", sealed=b"sealed")


def _app(answer: Callable[[httpx.Request], httpx.Response]) -> AppClient:
    http = httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="https://api.test")
    return AppClient(http=http, hub=HUB.public(), keys=new_app_keys(), token=lambda: "token")


@pytest.mark.parametrize(
    ("document", "outcome", "reason"),
    [
        ({"outcome": "OUTCOME_DELIVERED", "reason": "REFUSAL_REASON_UNSPECIFIED"}, "DELIVERED", None),
        ({"outcome": "OUTCOME_DELIVERED"}, "DELIVERED", None),
        ({"outcome": "OUTCOME_REFUSED", "reason": "REFUSAL_REASON_CONSENT_OFF"}, "REFUSED", "CONSENT_OFF"),
    ],
)
async def test_what_became_of_an_envelope(document: dict[str, str], outcome: str, reason: str | None) -> None:
    sent = await _app(lambda _: httpx.Response(200, json=document)).send_encoded(ENVELOPE.SerializeToString())
    assert (sent.outcome, sent.reason) == (outcome, reason)


async def test_the_token_is_in_the_header_and_nothing_secret_in_the_address() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"outcome": "OUTCOME_DELIVERED"})

    await _app(answer).send_encoded(ENVELOPE.SerializeToString())
    assert seen[0].headers["authorization"] == "Bearer token"
    assert "token" not in str(seen[0].url)


@pytest.mark.parametrize(
    ("body", "reason"),
    [(b'{"reason": "TOKEN_INVALID", "detail": "no"}', "TOKEN_INVALID"), (b"<html>", "HTTP_401"), (b"[]", "HTTP_401")],
)
async def test_a_refusal_has_a_reason_whatever_its_body(body: bytes, reason: str) -> None:
    with pytest.raises(ApiError) as refused:
        await _app(lambda _: httpx.Response(401, content=body)).send_encoded(ENVELOPE.SerializeToString())
    assert (refused.value.status, refused.value.reason) == (401, reason)


def _stream(*events: str) -> Callable[[httpx.Request], httpx.Response]:
    text = "".join(f"data: {event}\n\n" for event in events)
    return lambda _: httpx.Response(200, content=text.encode())


async def test_a_stream_gives_attachment_and_envelopes_and_keeps_heartbeats_to_itself() -> None:
    header, sealed = (base64.b64encode(each).decode() for each in (ENVELOPE.route_header, ENVELOPE.sealed))
    app = _app(
        _stream(
            '{"attached": {"hubConnected": true, "heartbeatMs": 5000}}',
            "{}",
            f'{{"envelope": {{"routeHeader": "{header}", "sealed": "{sealed}"}}}}',
        )
    )
    assert [event async for event in app.receive_encoded()] == [
        Attached(hub_connected=True, heartbeat_ms=5000),
        ENVELOPE.SerializeToString(deterministic=True),
    ]


async def test_a_stream_that_ends_with_a_status_is_a_refusal() -> None:
    with pytest.raises(ApiError, match="GRPC_14"):
        [event async for event in _app(_stream('{"code": 14, "message": "gone"}')).receive_encoded()]


@pytest.mark.parametrize("event", ["[]", "{", '{"envelope": {}}', '{"envelope": {"routeHeader": "*", "sealed": ""}}'])
async def test_a_stream_of_something_else_is_said_to_be_one(event: str) -> None:
    with pytest.raises(MalformedError):
        [each async for each in _app(_stream(event)).receive_encoded()]
