from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ora.backup.v1 import layout_pb2 as pb

from sdk.backup.errors import ExportError, LayoutError
from sdk.backup.layout import encode_layout, findings, read_layout
from sdk.backup.matter_export import layout_of
from sdk.golden.backups import small_layout

# The form in which python-matter-server keeps its nodes; everything that identifies is a canary here.
EXPORT = {
    "last_node_id": 77,
    "vendor_info": {"4874": {"vendor_name": "CANARY"}},
    "nodes": {
        "12": {
            "node_id": 12,
            "date_commissioned": "2026-01-01T10:00:00",
            "attributes": {
                "0/29/0": [{"0": 22, "1": 1}],
                "0/29/3": [1, 2, 3],
                "0/40/1": "CANARY vendor",
                "0/40/2": 4874,
                "0/40/4": 83,
                "0/40/5": "CANARY Ada's lamp",
                "0/40/15": "CANARY-SERIAL",
                "0/49/65532": 2,
                "0/62/0": [{"1": "CANARY NOC"}],
                "1/29/0": [{"0": 256, "1": 1}],
                "1/29/3": [],
                "1/6/0": True,
                "2/29/0": [{"0": 1296, "1": 1}],
                "2/29/3": [3],
                "3/29/0": [{"0": 17, "1": 1}],
                "3/29/3": [],
            },
        },
        "2": {
            "node_id": 2,
            "attributes": {
                "0/29/0": [{"deviceType": 22, "revision": 1}],
                "0/40/2": 65521,
                "0/40/4": 32769,
                "0/49/65532": 5,
            },
        },
    },
}


def test_an_export_becomes_a_layout_without_anything_that_identifies() -> None:
    layout = layout_of(json.dumps(EXPORT).encode())
    assert [(each.ordinal, each.vendor_id, each.product_id) for each in layout.nodes] == [
        (1, 65521, 32769),
        (2, 4874, 83),
    ]
    assert [each.network_kind for each in layout.nodes] == [pb.NETWORK_KIND_ETHERNET, pb.NETWORK_KIND_THREAD]
    lamp = layout.nodes[1]
    assert {each.endpoint_number: list(each.device_type_ids) for each in lamp.endpoints} == {
        0: [22],
        1: [256],
        2: [1296],
        3: [17],
    }
    assert [each.parent_endpoint_number for each in lamp.endpoints if each.HasField("parent_endpoint_number")] == [2]
    assert b"CANARY" not in encode_layout(layout)
    assert not layout.rooms


@pytest.mark.parametrize(
    "export",
    [
        b"",
        b"[]",
        b"{}",
        b'{"nodes": []}',
        b'{"nodes": {"x": {}}}',
        b'{"nodes": {"1": {"attributes": {"0/40/2": "a"}}}}',
    ],
)
def test_what_is_no_export_is_refused(export: bytes) -> None:
    with pytest.raises(ExportError):
        layout_of(export)


def test_a_value_that_matter_does_not_allow_is_refused() -> None:
    export = {"nodes": {"1": {"attributes": {"0/40/2": 70_000, "0/40/4": 1}}}}
    with pytest.raises(LayoutError):
        layout_of(json.dumps(export).encode())


def test_a_conforming_layout_reads_as_it_was() -> None:
    assert read_layout(encode_layout(small_layout())) == small_layout()


@settings(max_examples=300)
@given(st.binary(max_size=60))
def test_any_bytes_are_conforming_or_have_findings(encoded: bytes) -> None:
    if not list(findings(encoded)):
        assert encode_layout(read_layout(encoded)) == encoded


@pytest.mark.parametrize("number", [6, 15, 63, 100, 5000])
@pytest.mark.parametrize("where", ["nodes", "floors", "rooms", "placements", None])
def test_a_field_that_the_contract_does_not_know_is_found_everywhere(number: int, where: str | None) -> None:
    layout = small_layout()
    target = getattr(layout, where)[0] if where else layout
    tag = number << 3
    varint = bytes([tag & 0x7F | 0x80, tag >> 7]) if 0x80 <= tag < 0x4000 else bytes([tag]) if tag < 0x80 else None
    target.MergeFromString((varint or b"\xc0\xb8\x02") + b"\x01")
    with pytest.raises(LayoutError, match="not in the contract"):
        encode_layout(layout)
