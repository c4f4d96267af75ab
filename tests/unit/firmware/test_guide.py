"""The guide says what the code does: every topic, message, call, bound and reason that a Hub meets."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from gateway import contract
from proto.tools.firmware import guide
from proto.tools.firmware.descriptors import compile_contracts, contexts
from relay.routing.topics import Leaf
from sdk.surface import SURFACE

if TYPE_CHECKING:
    from google.protobuf.descriptor_pb2 import FileDescriptorSet


@pytest.fixture(scope="module")
def text() -> str:
    return guide.GUIDE.read_text()


@pytest.fixture(scope="module")
def compiled() -> FileDescriptorSet:
    return compile_contracts()


def test_its_tables_are_what_the_code_makes(text: str) -> None:
    assert guide.made(text) == text


def test_a_table_that_says_something_else_is_stale(text: str) -> None:
    assert guide.made(text.replace("| keep-alive | 15 to 300 s |", "| keep-alive | 5 to 900 s |")) == text
    with pytest.raises(ValueError, match="0 places for the table of topics"):
        guide.made(text.replace("<!-- made: topics -->", ""))


def test_it_names_every_topic(text: str) -> None:
    assert set(re.findall(r"ora/v1/h/\{hub\}/(\w+)", text)) == {leaf.value for leaf in Leaf}


def test_it_names_every_call_of_the_hub_listener(text: str) -> None:
    methods = [each for each in contract.load().methods if contract.Door.HUB in each.doors]
    assert len(methods) >= 14
    missing = [f"{m.name} {b.template.text}" for m in methods for b in m.bindings if f"`{b.template.text}`" not in text]
    assert missing == []


def test_the_paths_of_messages_are_served(text: str) -> None:
    """A path in the table of messages is one of the table of calls."""
    served = {re.sub(r"\{[^}]*?\}", "*", b.template.text) for m in contract.load().methods for b in m.bindings}
    served |= {re.sub(r"\{\w+=([^}]*)\}", r"\1", b.template.text) for m in contract.load().methods for b in m.bindings}
    said = {path for each in SURFACE for path in re.findall(r"`(/v1/[^`]+)`", each.channel)}
    assert said
    assert sorted(path for path in said if re.sub(r"\{\w+\}", "*", path) not in served) == []
    assert all(path in text for path in said)


def test_the_surface_is_what_the_contracts_say_firmware_compiles(compiled: FileDescriptorSet) -> None:
    """A message, or a whole file, whose comment says so is on the list."""
    wanted = set()
    for file in compiled.file:
        if not file.package.startswith("ora."):
            continue
        places = {tuple(place.path): place for place in file.source_code_info.location}
        heads = " ".join(places[(12,)].leading_detached_comments) + places[(12,)].leading_comments
        for index, message in enumerate(file.message_type):
            comment = places[(4, index)].leading_comments if (4, index) in places else ""
            if "irmware compiles" in " ".join(f"{heads} {comment}".split()):
                wanted.add(f"{file.package}.{message.name}")
    inner = {"ora.fleet.v1.Peer", "ora.fleet.v1.SideloadFile", "ora.ingest.v1.TelemetrySample"}
    assert wanted >= {"ora.portal.v1.LockNoticeStatement", "ora.fleet.v1.ConsentStatement"}
    assert wanted - inner <= {each.name for each in SURFACE}


def test_each_context_is_the_one_that_the_contract_names(compiled: FileDescriptorSet) -> None:
    said = contexts(compiled)
    assert {each.name: each.context.value.decode() for each in SURFACE if each.context} == {
        each.name: said[each.name] for each in SURFACE if each.name in said
    }


def test_every_reason_that_ends_a_session_is_named(text: str) -> None:
    for reason in ("CONSENT_OFF", "HUB_NOT_ACTIVE", "TAKEN_OVER", "DRAINING", "FLAPPING", "CERTIFICATE_REVOKED"):
        assert f"| `{reason}` |" in text
