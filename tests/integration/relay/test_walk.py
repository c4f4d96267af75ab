"""The first walk, with MQTT clients that we did not write, over mutual TLS 1.3."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import aiomqtt
import pytest
from aiomqtt import ProtocolVersion
from ora.relay.v1 import relay_service_pb2 as pb
from ora.relay.v1.envelope_pb2 import Envelope

from tests.integration.relay.world import Person, World, envelope

if TYPE_CHECKING:
    import uuid

VERSIONS = [ProtocolVersion.V311, ProtocolVersion.V5]


def client(world: World, hub: uuid.UUID, version: ProtocolVersion = ProtocolVersion.V5, **more: Any) -> aiomqtt.Client:
    return aiomqtt.Client(
        "localhost",
        world.mqtt_port,
        identifier=str(hub),
        protocol=version,
        tls_context=world.tls(str(hub)),
        keepalive=60,
        timeout=5,
        **more,
    )


@pytest.mark.parametrize("version", VERSIONS)
async def test_an_envelope_goes_down_and_the_answer_comes_up(world: World, version: ProtocolVersion) -> None:
    person = Person("alice")
    hub = world.hub(person)
    async with client(world, hub, version) as mqtt:
        await mqtt.subscribe(f"ora/v1/h/{hub}/down", qos=1)
        down = envelope(hub, person)
        answer = await world.send(person, hub, down)
        assert pb.Outcome.Name(answer.outcome) == "OUTCOME_DELIVERED"
        message = await anext(aiter(mqtt.messages))
        assert message.payload == down.SerializeToString()

        stream = world.receive(person, hub)
        first = await stream.read()
        assert first.attached.hub_connected
        up = envelope(hub, person, up=True, size=60_000)
        await mqtt.publish(f"ora/v1/h/{hub}/up", up.SerializeToString(), qos=1)
        received = await stream.read()
        assert received.envelope == up
        stream.cancel()


async def test_a_hub_that_is_away_is_offline(world: World) -> None:
    person = Person("alice")
    hub = world.hub(person)
    answer = await world.send(person, hub, envelope(hub, person))
    assert pb.Outcome.Name(answer.outcome) == "OUTCOME_OFFLINE"


async def test_header_fields_of_a_later_version_pass_untouched(world: World) -> None:
    person = Person("alice")
    hub = world.hub(person)
    sent = envelope(hub, person)
    later = Envelope(route_header=sent.route_header + b"\x82\x06\x03abc", sealed=b"\x00\xff" * 700)
    async with client(world, hub) as mqtt:
        await mqtt.subscribe(f"ora/v1/h/{hub}/down", qos=1)
        answer = await world.send(person, hub, later)
        assert answer.outcome == pb.OUTCOME_DELIVERED
        message = await anext(aiter(mqtt.messages))
        assert message.payload == later.SerializeToString()


async def test_withdrawal_of_consent_cuts_the_session_within_a_second(world: World) -> None:
    person = Person("alice")
    hub = world.hub(person)

    async def live() -> None:
        async with client(world, hub) as mqtt:
            world.fleet.set(hub.bytes, relay=False)
            async with asyncio.timeout(1):
                await anext(aiter(mqtt.messages))

    with pytest.raises(aiomqtt.MqttError):
        await live()


async def test_a_hub_without_consent_is_refused_with_a_reason(world: World) -> None:
    hub = world.hub(relay=False)
    with pytest.raises(aiomqtt.MqttError, match="Not authorized"):
        async with client(world, hub):
            pass


async def test_an_unknown_hub_is_refused(world: World) -> None:
    hub = world.hub()
    del world.fleet.hubs[hub.bytes]
    with pytest.raises(aiomqtt.MqttError):
        async with client(world, hub):
            pass
