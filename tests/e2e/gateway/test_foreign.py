"""A Hub of other people and one that there is not: nobody can tell the two apart."""

from __future__ import annotations

import base64
import time
import uuid
from typing import TYPE_CHECKING

import pytest
from ora.relay.v1 import envelope_pb2

if TYPE_CHECKING:
    from tests.e2e.home import Home

STRANGERS = ("newcomer", "sparky", "rival", "boss")


def envelope(hub: str, peer: bytes) -> dict[str, str]:
    now = int(time.time() * 1000)
    header = envelope_pb2.RouteHeader(
        version=1,
        hub_id=uuid.UUID(hub).bytes,
        message_id=now.to_bytes(6, "big") + bytes(10),
        sender_kind=envelope_pb2.SENDER_KIND_APP,
        peer_id=peer,
        created_ms=now,
        pad_bucket=1,
    )
    setattr(header, "class", envelope_pb2.ENVELOPE_CLASS_TUNNEL)
    parts = {"routeHeader": header.SerializeToString(), "sealed": bytes(512)}
    return {name: base64.b64encode(part).decode() for name, part in parts.items()}


async def asked(home: Home, verb: str, hub: str, token: str) -> tuple[int, dict[str, object]]:
    peer, headers = home.keys.public().peer_id, {"authorization": f"Bearer {token}"}
    if verb == "POST":
        answer = await home.http.post(f"/v1/hubs/{hub}/envelopes", json=envelope(hub, peer), headers=headers)
    else:
        query = {"peerId": base64.urlsafe_b64encode(peer).decode()}
        answer = await home.http.get(f"/v1/hubs/{hub}/envelopes:receive", params=query, headers=headers)
    document = answer.json()
    return answer.status_code, {k: v for k, v in document.items() if k not in {"requestId", "traceId", "messageId"}}


@pytest.mark.parametrize("verb", ["POST", "GET"])
@pytest.mark.parametrize("persona", STRANGERS)
async def test_a_foreign_hub_reads_like_one_that_is_not_there(home: Home, persona: str, verb: str) -> None:
    token = home.stack.tokens(persona).access_token
    foreign = await asked(home, verb, home.hub, token)
    missing = await asked(home, verb, str(uuid.uuid4()), token)
    assert foreign == missing
    assert "PEER_UNKNOWN" in str(foreign)
