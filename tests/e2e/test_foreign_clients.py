"""MQTT clients by other people than the simulator's: what they get and send is what the contract says."""

from __future__ import annotations

import asyncio
import secrets
import time
from typing import TYPE_CHECKING

import pytest
from ora.relay.v1 import envelope_pb2 as pb

from hubsim import store
from sdk.app_client import Attached
from sdk.envelope import header_for_app, header_for_hub, moment
from tests.e2e.home import SECONDS, Home

if TYPE_CHECKING:
    from asyncio.subprocess import Process

pytestmark = pytest.mark.debian("mosquitto-clients")
VERSIONS = ["mqttv311", "mqttv5"]


def _mosquitto(program: str, home: Home, version: str, *arguments: str) -> list[str]:
    config = home.config()
    where = ["-h", "localhost", "-p", str(config.mqtt_port), "--cafile", str(config.ca_file)]
    who = ["--cert", str(home.folder / "tls.crt"), "--key", str(home.folder / "tls.key"), "-i", home.hub]
    return [program, *where, *who, "-V", version, "-q", "1", *arguments]


async def _run(command: list[str]) -> Process:
    return await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, stdin=asyncio.subprocess.PIPE
    )


@pytest.mark.parametrize("version", VERSIONS)
async def test_mosquitto_sub_receives_and_acknowledges(home: Home, version: str) -> None:
    kind = pb.ENVELOPE_CLASS_TUNNEL
    header = header_for_hub(home.keys, home.app.hub, moment(time.time_ns() // 1_000_000), kind)
    envelope = pb.Envelope(route_header=header.SerializeToString(), sealed=secrets.token_bytes(300))
    arguments = ("-t", f"ora/v1/h/{home.hub}/down", "-C", "1", "-F", "%x", "-W", str(int(SECONDS)))
    listening = await _run(_mosquitto("mosquitto_sub", home, version, *arguments))
    async with asyncio.timeout(SECONDS):
        while (sent := await home.app.send_encoded(envelope.SerializeToString())).outcome == "OFFLINE":  # noqa: ASYNC110 - no event tells
            await asyncio.sleep(0.05)
        printed, _ = await listening.communicate()
    assert sent.outcome == "DELIVERED"
    assert listening.returncode == 0, printed
    assert pb.Envelope.FromString(bytes.fromhex(printed.decode())) == envelope


@pytest.mark.parametrize("version", VERSIONS)
async def test_mosquitto_pub_reaches_the_app(home: Home, version: str) -> None:
    keys, kind = store.load(home.folder).keys, pb.ENVELOPE_CLASS_TUNNEL
    header = header_for_app(keys, home.keys.public(), moment(time.time_ns() // 1_000_000), kind)
    envelope = pb.Envelope(route_header=header.SerializeToString(), sealed=secrets.token_bytes(300))
    async with asyncio.timeout(SECONDS):
        async for event in home.app.receive_encoded():
            if isinstance(event, Attached):
                command = _mosquitto("mosquitto_pub", home, version, "-t", f"ora/v1/h/{home.hub}/up", "-s")
                publishing = await _run(command)
                printed, _ = await publishing.communicate(envelope.SerializeToString())
                assert publishing.returncode == 0, printed
                continue
            assert pb.Envelope.FromString(event) == envelope
            break


@pytest.mark.parametrize("version", VERSIONS)
async def test_another_hubs_topic_is_closed_to_mosquitto_sub(home: Home, version: str) -> None:
    other = f"ora/v1/h/{'0' * 8}-0000-4000-8000-{'0' * 12}/down"
    listening = await _run(_mosquitto("mosquitto_sub", home, version, "-t", other, "-W", "5", "-E"))
    async with asyncio.timeout(SECONDS):
        printed, _ = await listening.communicate()
    assert b"denied" in printed
