"""The main job: a sealed packet from a phone to a Hub and back, through everything."""

from __future__ import annotations

import asyncio
import base64
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from ora.relay.v1.envelope_pb2 import RouteHeader

from hubsim import store
from hubsim.link import MqttVersion
from sdk.app_client import ApiError
from sdk.hpke import SuiteId
from sdk.keys import new_app_keys
from tests.e2e.home import SECONDS, Home, listening

if TYPE_CHECKING:
    from sdk.app_client import Sent


@pytest.mark.parametrize("version", list(MqttVersion))
async def test_a_sealed_packet_reaches_the_hub_and_its_sealed_answer_streams_back(
    home: Home, version: MqttVersion
) -> None:
    async with home.hub_on_line(version), listening(home.app) as arrived:
        sent = await home.app.send(b"ping 1")
        assert sent.outcome == "DELIVERED", sent
        async with asyncio.timeout(SECONDS):
            opened = await arrived.get()
    assert opened.payload == b"pong 1"


async def test_an_app_with_the_small_suite_is_answered_in_it(home: Home) -> None:
    home.keys = new_app_keys(SuiteId.SMALL)
    await home.pair(home.keys)
    async with home.hub_on_line(), listening(home.app) as arrived:
        assert (await home.app.send(b"ping")).outcome == "DELIVERED"
        async with asyncio.timeout(SECONDS):
            assert (await arrived.get()).payload == b"pong"


async def test_a_hub_that_is_away_is_offline(home: Home) -> None:
    assert (await home.app.send(b"ping")).outcome == "OFFLINE"


async def test_answers_come_in_the_order_of_the_questions(home: Home) -> None:
    async with home.hub_on_line(), listening(home.app) as arrived:
        for number in range(20):
            assert (await home.app.send(b"ping %d" % number)).outcome == "DELIVERED"
        async with asyncio.timeout(SECONDS):
            answers = [(await arrived.get()).payload for _ in range(20)]
    assert answers == [b"pong %d" % number for number in range(20)]


async def _refused_as(sent: Sent) -> tuple[str, str | None]:
    return sent.outcome, sent.reason


async def test_an_app_that_is_not_paired_is_refused(home: Home) -> None:
    async with home.hub_on_line():
        home.keys = new_app_keys()
        assert await _refused_as(await home.app.send(b"ping")) == ("REFUSED", "PEER_UNKNOWN")


async def test_another_person_with_the_same_app_keys_is_refused(home: Home) -> None:
    async with home.hub_on_line():
        stranger = home.stack.tokens("newcomer").access_token
        theirs = type(home.app)(http=home.http, hub=home.app.hub, keys=home.keys, token=lambda: stranger)
        assert await _refused_as(await theirs.send(b"ping")) == ("REFUSED", "PEER_UNKNOWN")


async def test_without_a_token_nothing_is_sent(home: Home) -> None:
    async with home.hub_on_line():
        theirs = type(home.app)(http=home.http, hub=home.app.hub, keys=home.keys, token=lambda: "none")
        with pytest.raises(ApiError) as refused:
            await theirs.send(b"ping")
    assert refused.value.status == 401
    assert not [event for event in home.events if event["event"] == "envelope"]


async def test_an_unknown_hub_is_refused_and_no_word_is_kept_of_it(home: Home) -> None:
    unknown = uuid.uuid4()
    fields: dict[str, Any] = {
        "version": 1,
        "hub_id": unknown.bytes,
        "message_id": uuid.uuid4().bytes,
        "sender_kind": 1,
        "class": 1,
    }
    header = RouteHeader(**fields, peer_id=uuid.uuid4().bytes, created_ms=1_700_000_000_000, key_epoch=1, seq=1)
    answer = await home.http.post(
        f"/v1/hubs/{unknown}/envelopes",
        json={"routeHeader": base64.b64encode(header.SerializeToString()).decode(), "sealed": "AAAA"},
        headers={"authorization": f"Bearer {home.token}"},
    )
    assert answer.status_code == 200
    assert answer.json()["outcome"] == "OUTCOME_REFUSED"


async def test_withdrawn_consent_ends_the_live_session(home: Home) -> None:
    async with home.hub_on_line():
        await home.records.consent([])
        ended = await home.happened("disconnected")
        assert ended["from_server"]
        refused = await home.happened("refused")
    assert "CONSENT_OFF" in str(refused)
    assert store.load(home.folder).capabilities == ()
