"""The Hub's own Protobuf implementation ends on every golden envelope as the services' does."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from ora.relay.v1 import envelope_pb2 as pb

from hubsim import wire
from hubsim.hub import open_with
from hubsim.store import HubState, PairedApp
from hubsim.wire_gen.ora.relay.v1 import RouteHeader
from sdk.errors import MalformedError, SealError
from sdk.golden.files import Vector, load
from sdk.golden.headers import encoded, minimal, without
from sdk.golden.wire import bytes_field
from sdk.hpke import SealingKey, SealingPublicKey, SuiteId
from sdk.keys import AppPublic, HubKeys, SigningKey

TO_HUBS = [vector for vector in load("envelope") if vector.facts["receiver"]["sender_kind"] == pb.SENDER_KIND_APP]  # type: ignore[index]
SOME_KEY = SealingPublicKey(SuiteId.SMALL, b"\x09" + bytes(31))


def _hub(receiver: Any) -> HubState:
    """The Hub that a vector describes."""
    keys = HubKeys(
        hub_id=bytes.fromhex(receiver["hub_id"]),
        identity=SigningKey(bytes(32)),
        owner=SigningKey(bytes(32)),
        sealing={
            key["key_epoch"]: SealingKey(SuiteId(key["suite"]), bytes.fromhex(key["test_private_key"]))
            for key in receiver["keys"]
        },
    )
    apps = tuple(
        PairedApp(
            public=AppPublic(signing_public=bytes.fromhex(sender["signing_public_key"]), sealing_public=SOME_KEY),
            subject_digest=bytes(32),
        )
        for sender in receiver["senders"]
    )
    return HubState(keys=keys, apps=apps)


@pytest.mark.parametrize("vector", TO_HUBS, ids=lambda vector: vector.name)
def test_a_hub_ends_on_each_envelope_as_the_vector_says(vector: Vector) -> None:
    assert _ending(vector) == (vector.facts["expect"], vector.attachments.get("payload.bin"))


def _ending(vector: Vector) -> tuple[str, bytes | None]:
    """How opening ends at the Hub: the reason or OPENS, and the payload."""
    hub = _hub(vector.facts["receiver"])
    try:
        received = open_with(hub, wire.read_envelope(vector.binary, hub.keys.hub_id))
    except SealError as error:
        return error.reason, None
    return "OPENS", received.payload


@pytest.mark.parametrize("vector", load("route_header"), ids=lambda vector: vector.name)
def test_a_header_that_is_forwarded_means_the_same_to_both_implementations(vector: Vector) -> None:
    if vector.facts["relay"] != "FORWARD":
        return
    theirs, ours = pb.RouteHeader.FromString(vector.binary), RouteHeader.parse(vector.binary)
    for field in pb.RouteHeader.DESCRIPTOR.fields:
        name = "class_" if field.name == "class" else field.name
        assert getattr(ours, name) == getattr(theirs, field.name)


@pytest.mark.parametrize("number", [6, 7, 8, 9, 12])
def test_a_number_of_another_wire_type_is_refused_and_hurts_nothing(number: int) -> None:
    header = (encoded(minimal()) if number > 7 else without(number)) + bytes_field(number, b"zz")
    envelope = pb.Envelope(route_header=header, sealed=b"x").SerializeToString()
    with pytest.raises(MalformedError):
        wire.read_envelope(envelope, minimal().hub_id)


def test_a_hub_loads_no_protobuf_of_the_services() -> None:
    script = (
        "import hubsim.__main__, sys; print({m for m in sys.modules if m == 'ora' or m.startswith('google.protobuf')})"
    )
    run = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert run.stdout.strip() == "set()"
