"""Where JSON and Protobuf do not say the same: what Envoy's transcoder does, pinned, so that an upgrade is noticed."""

from __future__ import annotations

import base64
import json
import threading
from typing import TYPE_CHECKING, cast

import httpx
import pytest
from ora.fleet.v1 import hub_record_service_pb2 as fleet
from ora.relay.v1 import envelope_pb2
from ora.relay.v1 import relay_service_pb2 as relay

from tests.integration.gateway import services
from tests.integration.gateway.api import ENVELOPE, HUB, JSON, RECEIVE, RECORDS, SEND, SSE

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.gateway.conftest import World


def sent(world: World, body: bytes) -> relay.SendRequest:
    with world.app() as app:
        answer = app.post(SEND, content=body, headers=world.bearer() | JSON)
    assert answer.status_code == 200, answer.text
    return cast("relay.SendRequest", world.relay.seen[-1].request)


def test_an_unknown_field_of_a_body_has_no_effect(world: World) -> None:
    request = sent(world, json.dumps(ENVELOPE | {"unknown": {"deep": [1, 2]}, "hub": "hubs/other"}).encode())
    assert request.hub == f"hubs/{HUB}"
    assert request.envelope == envelope_pb2.Envelope(route_header=b"header", sealed=bytes(range(256)))


def test_an_empty_body_is_an_empty_message(world: World) -> None:
    for body in (b"", b"{}"):
        assert sent(world, body).envelope == envelope_pb2.Envelope()


@pytest.mark.parametrize("text", ["+/8=", "-_8=", "-_8"], ids=["base64", "base64url", "unpadded"])
def test_bytes_are_taken_in_every_base64(world: World, text: str) -> None:
    assert sent(world, json.dumps({"sealed": text}).encode()).envelope.sealed == b"\xfb\xff"


@pytest.mark.parametrize("text", ["A", "AAAAA", "....", "\u0000"], ids=["one", "five", "dots", "nul"])
def test_what_is_not_base64_is_refused(world: World, text: str) -> None:
    with world.app() as app:
        answer = app.post(SEND, json={"sealed": text}, headers=world.bearer())
    assert (answer.status_code, answer.json()["reason"]) == (400, "BODY_INVALID")


def test_names_are_taken_in_both_spellings_and_given_in_one(world: World) -> None:
    assert sent(world, b'{"route_header":"AAAA"}').envelope.route_header == bytes(3)
    with world.app() as app:
        answer = app.post(SEND, json=ENVELOPE, headers=world.bearer())
    assert set(answer.json()) == {"messageId", "outcome", "reason", "retryAfterMs"}


def test_a_field_named_twice_counts_as_its_last(world: World) -> None:
    assert sent(world, b'{"sealed":"AAAA","sealed":"BBBB"}').envelope.sealed == b"\x04\x10A"


def test_a_64_bit_number_is_a_string_and_an_enum_is_its_name(world: World, tmp_path: Path) -> None:
    with world.hub(world.pki.hub(tmp_path, f"urn:uuid:{HUB}")) as hub:
        answer = hub.post(f"/v1/hubs/{HUB}/consent", json={"statement": "AAAA"})
    assert answer.json()["ownerEpoch"] == str(2**60)
    with world.app() as app:
        assert app.post(SEND, json=ENVELOPE, headers=world.bearer()).json()["outcome"] == "OUTCOME_DELIVERED"


def test_values_that_are_zero_are_written(world: World, tmp_path: Path) -> None:
    with world.hub(world.pki.hub(tmp_path, f"urn:uuid:{HUB}")) as hub:
        answer = hub.get(RECORDS)
    assert answer.json() == {
        "hub": f"hubs/{HUB}",
        "ownerEpoch": "0",
        "consentSequence": "0",
        "capabilities": [],
        "peerListSequence": "0",
        "peerCount": 0,
    }
    assert isinstance(world.fleet.seen[-1].request, fleet.GetHubRecordsRequest)


@pytest.mark.parametrize("segment", ["a%20b", "a;b", "a:b", "%2e%2e", "a,b", "a@b", "é", "a%00b", "a%3ab"])
def test_an_identifier_needs_no_character_that_two_parsers_could_read_differently(world: World, segment: str) -> None:
    with world.app() as app:
        answer = app.post(f"/v1/hubs/{segment}/envelopes", json=ENVELOPE, headers=world.bearer())
    assert answer.status_code in {400, 404}
    assert not world.relay.seen


def test_what_needs_no_escape_is_the_same_escaped(world: World) -> None:
    with world.app() as app:
        app.post("/v1/hubs/%68ub/envelopes", json=ENVELOPE, headers=world.bearer())
    assert cast("relay.SendRequest", world.relay.seen[-1].request).hub == "hubs/hub"


def test_a_stream_of_lines_says_what_it_is(world: World) -> None:
    world.relay.stream = [relay.ReceiveResponse(), relay.ReceiveResponse()]
    with world.app() as app:
        answer = app.get(RECEIVE, headers=world.bearer())
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert [json.loads(line) for line in answer.text.splitlines()] == [{}, {}]


@pytest.mark.parametrize("accept", [SSE, {}], ids=["events", "lines"])
def test_events_arrive_one_by_one_while_the_stream_is_open(world: World, accept: dict[str, str]) -> None:
    world.relay.stream = [relay.ReceiveResponse(attached=relay.Attached(heartbeat_ms=1))]
    world.relay.stream_hold = threading.Event()
    with world.app() as app, app.stream("GET", RECEIVE, headers=world.bearer() | accept) as answer:
        first = next(answer.iter_text())
        assert "attached" in first
        world.relay.stream_hold.set()


def test_the_largest_envelope_arrives_in_an_event(world: World) -> None:
    largest = envelope_pb2.Envelope(route_header=b"h" * 512, sealed=b"\xff" * 65536)
    world.relay.stream = [relay.ReceiveResponse(envelope=largest)] * 3
    with world.app() as app:
        answer = app.get(RECEIVE, headers=world.bearer() | SSE)
    events = [json.loads(each.removeprefix("data: ")) for each in answer.text.split("\n\n") if each]
    assert len(events) == 3
    assert all(len(event["envelope"]["sealed"]) == 87384 for event in events)


def test_the_largest_envelope_is_taken(world: World) -> None:
    sealed = base64.b64encode(bytes(range(256)) * 256).decode()
    body = json.dumps({"routeHeader": "/" * 684, "sealed": sealed}, indent=4).replace("/", "\\/")
    assert sent(world, body.encode()).envelope.sealed == bytes(range(256)) * 256


def test_an_error_in_the_middle_of_a_stream_ends_it_early(world: World) -> None:
    """A status is sent by then. The stream just ends: clients tell by the missing heartbeat, and reconnect."""
    world.relay.stream = [relay.ReceiveResponse()]
    world.relay.stream_fail = services.status(14, "draining", services.info("DRAINING"))
    with httpx.Client(base_url=world.gateway.app, verify=world.tls()) as app:
        answer = app.get(RECEIVE, headers=world.bearer() | SSE)
    assert answer.status_code == 200
    assert answer.text == "data: {}\n\n"
