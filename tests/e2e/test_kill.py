"""A relay that dies at any moment loses nothing that it acknowledged. On a stack of its own."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import pytest
from ora.relay.v1 import envelope_pb2, relay_service_pb2
from ora.relay.v1.relay_service_pb2_grpc import RelayServiceStub

from mesh.certs import Certificates
from mesh.channel import Channel
from sdk.envelope import header_for_hub, moment, seal
from tests.e2e.home import Home, new_home
from tests.stack import Stack, started

if TYPE_CHECKING:
    from ora.relay.v1.relay_service_pb2_grpc import RelayServiceAsyncStub

    from hubsim.hub import Received

ENVELOPES = 2000
AT_ONCE = 16
KILLED_AFTER = 600


class Tally:
    """What the app was told, and what the Hub took."""

    def __init__(self) -> None:
        self.delivered: set[int] = set()
        self.failed: set[int] = set()
        self.taken: set[int] = set()
        self.enough = asyncio.Event()

    async def accept(self, received: Received) -> None:
        self.taken.add(int(received.payload))

    async def send(self, relay: RelayServiceAsyncStub, home: Home, number: int) -> None:
        try:
            answer = await relay.Send(
                _request(home, b"%d" % number), metadata=(("authorization", f"Bearer {home.token}"),)
            )
        except grpc.aio.AioRpcError:
            outcome = relay_service_pb2.OUTCOME_UNSPECIFIED
        else:
            outcome = answer.outcome
        if outcome == relay_service_pb2.OUTCOME_DELIVERED:
            self.delivered.add(number)
        else:
            self.failed.add(number)
            await asyncio.sleep(0.05)  # an app that is refused does not hammer
        if len(self.delivered) >= KILLED_AFTER:
            self.enough.set()


def _request(home: Home, payload: bytes) -> relay_service_pb2.SendRequest:
    hub = home.app.hub
    header = header_for_hub(home.keys, hub, moment(time.time_ns() // 1_000_000), envelope_pb2.ENVELOPE_CLASS_TUNNEL)
    sealed = seal(header, payload, receiver=hub.sealing_public, sender=home.keys.signing)
    return relay_service_pb2.SendRequest(hub=f"hubs/{home.hub}", envelope=envelope_pb2.Envelope.FromString(sealed))


def _gateway(stack: Stack) -> Channel:
    """Call the relay as the gateway does, without the gateway's limits for one address."""
    certificates = Certificates(Path(stack.file("certificates")), "gateway")
    return Channel("relay", [stack.address("relay-1", "grpc")], certificates)


async def _no_answer(_: Received) -> None:
    """Keep the line for what is counted."""


@pytest.mark.timeout(180)
async def test_every_envelope_that_was_told_delivered_was_received(tmp_path: Path) -> None:
    tally = Tally()
    with started(tmp_path / "stack") as stack:
        async with new_home(stack, tmp_path) as home, _gateway(stack) as channel:
            relay: RelayServiceAsyncStub = RelayServiceStub(channel)
            await home.open_to_the_cloud()
            async with home.hub_on_line(on_payload=_no_answer, accept=tally.accept):
                numbers = iter(range(ENVELOPES))

                async def worker() -> None:
                    for number in numbers:
                        await tally.send(relay, home, number)

                async def killer() -> None:
                    await tally.enough.wait()
                    await asyncio.to_thread(stack.kill, "relay-1")
                    await asyncio.to_thread(stack.restart, "relay-1")

                async with asyncio.TaskGroup() as group:
                    group.create_task(killer())
                    for _ in range(AT_ONCE):
                        group.create_task(worker())
    assert tally.failed, "the relay was killed while envelopes were on their way"
    assert max(tally.delivered) > max(tally.failed), "and the stream went on after its restart"
    assert not tally.delivered - tally.taken
