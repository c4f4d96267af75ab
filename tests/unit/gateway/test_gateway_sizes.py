from __future__ import annotations

import json

import pytest
from google.protobuf import json_format
from ora.relay.v1 import envelope_pb2

from gateway.contract import load
from gateway.sizes import CEILING, body_limit

CONTRACT = load()


def limit(method: str) -> int:
    found = next(m for m in CONTRACT.methods if m.full_name == method)
    return body_limit(CONTRACT.messages, found.input, found.bindings[0].body)


def test_the_largest_envelope_fits_and_not_much_more() -> None:
    largest = envelope_pb2.Envelope(route_header=b"\xff" * 512, sealed=b"\xff" * 65536)
    text = json.dumps(json_format.MessageToDict(largest), indent=4)
    assert len(text) < limit("ora.relay.v1.RelayService.Send") < 1.4 * len(text)


def test_no_body_is_no_bytes() -> None:
    assert limit("ora.relay.v1.RelayService.Receive") == 0


@pytest.mark.parametrize("method", CONTRACT.methods, ids=lambda m: m.full_name)
def test_every_json_body_has_a_bound(method: object) -> None:
    assert limit(method.full_name) <= CEILING  # type: ignore[attr-defined]


def test_a_message_inside_itself_has_the_ceiling() -> None:
    assert body_limit(CONTRACT.messages, ".google.protobuf.DescriptorProto", "*") == CEILING
