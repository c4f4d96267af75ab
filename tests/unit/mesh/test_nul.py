from __future__ import annotations

import pytest
from google.rpc import error_details_pb2
from ora.fleet.v1 import hub_pb2, hub_service_pb2
from ora.relay.v1 import relay_operations_service_pb2, relay_service_pb2

from mesh.interceptors.validation import _with_nul


@pytest.mark.parametrize(
    ("message", "found"),
    [
        (hub_pb2.Hub(lot="a\x00b"), ["lot"]),
        (hub_service_pb2.CreateHubRequest(hub=hub_pb2.Hub(lot="\x00")), ["hub.lot"]),
        (hub_service_pb2.ListHubsResponse(hubs=[hub_pb2.Hub(), hub_pb2.Hub(lot="\x00")]), ["hubs.lot"]),
        (relay_operations_service_pb2.NodeStatus(refusals={"a\x00": 1}), ["refusals"]),
        (error_details_pb2.DebugInfo(stack_entries=["fine", "\x00"]), ["stack_entries"]),
        (hub_pb2.Hub(lot="fine", identity_public_key=bytes(32)), []),
        (relay_service_pb2.SendResponse(message_id=bytes(16)), []),
    ],
)
def test_text_with_a_nul_is_found_wherever_it_is_and_bytes_may_hold_one(message: object, found: list[str]) -> None:
    assert list(_with_nul(message, "")) == found  # type: ignore[arg-type]
