from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ora.relay.v1 import relay_service_pb2 as relay

from tests.integration.gateway import running
from tests.integration.gateway.api import ENVELOPE, HUB, RECEIVE, RECORDS, SEND, SSE

if TYPE_CHECKING:
    from tests.integration.gateway.conftest import World


def test_envoy_validates_the_configuration_without_a_warning(world: World) -> None:
    answer = running.validate(world.gateway.folder / "envoy.yaml")
    assert answer.returncode == 0, answer.stderr
    assert "deprecated" not in answer.stderr.lower()


def test_an_envelope_goes_from_rest_to_the_relay_byte_for_byte(world: World) -> None:
    with world.app() as app:
        answer = app.post(SEND, json=ENVELOPE, headers=world.bearer())
    assert answer.status_code == 200
    assert answer.json()["outcome"] == "OUTCOME_DELIVERED"
    (call,) = world.relay.seen
    assert isinstance(call.request, relay.SendRequest)
    assert call.request.hub == f"hubs/{HUB}"
    assert call.request.envelope.sealed == bytes(range(256))


def test_the_relay_sees_the_gateway_the_token_and_the_deadline(world: World) -> None:
    bearer = world.bearer()
    with world.app() as app:
        answer = app.post(SEND, json=ENVELOPE, headers=bearer)
    (call,) = world.relay.seen
    assert "spiffe://ora/gateway" in call.peer
    assert call.metadata["authorization"] == bearer["authorization"]
    assert call.metadata["x-request-id"] == answer.headers["x-request-id"]
    assert 14 < call.seconds_left <= 15


def test_a_stream_is_server_sent_events_for_who_asks_for_them(world: World) -> None:
    world.relay.stream = [
        relay.ReceiveResponse(attached=relay.Attached(hub_connected=True, heartbeat_ms=30_000)),
        relay.ReceiveResponse(),
    ]
    with world.app() as app:
        answer = app.get(RECEIVE, headers=world.bearer() | SSE)
    assert answer.headers["content-type"] == "text/event-stream"
    events = [json.loads(each.removeprefix("data: ")) for each in answer.text.split("\n\n") if each]
    assert events == [{"attached": {"hubConnected": True, "heartbeatMs": 30_000}}, {}]


def test_a_hub_is_known_by_its_certificate_and_by_nothing_it_says(world: World) -> None:
    certificate = world.pki.hub(world.gateway.folder / "hub", f"urn:uuid:{HUB}")
    forged = {"x-forwarded-client-cert": "URI=urn:uuid:evil", "authorization": "Bearer x", "x-ora-hub": "evil"}
    with world.hub(certificate) as hub:
        answer = hub.get(RECORDS, headers=forged)
    assert answer.status_code == 200
    (call,) = world.fleet.seen
    assert f"URI=urn:uuid:{HUB}" in call.metadata["x-forwarded-client-cert"]
    assert "evil" not in str(call.metadata)
    assert "authorization" not in call.metadata
