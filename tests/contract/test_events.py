"""One schema of events: every fact has one number, and none of them names a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from ora.options.v1 import options_pb2

from tests.contract.image import Field, closure, enums, is_leaf, messages

if TYPE_CHECKING:
    from tests.contract.image import Files, MessageType

EVENT = "ora.events.v1.Event"
PREFIX = "EVENT_TYPE_"


def payloads(message: MessageType) -> dict[int, str]:
    return {field.number: field.name for field in message.field if field.HasField("oneof_index")}


def test_each_type_has_the_number_of_its_payload(files: Files) -> None:
    types = dict(enums(files))["ora.events.v1.EventType"]
    told = {value.number: value.name.removeprefix(PREFIX).lower() for value in types.value if value.number}
    assert told == payloads(dict(messages(files))[EVENT])


def test_types_and_payloads_have_the_same_gates(files: Files) -> None:
    types = dict(enums(files))["ora.events.v1.EventType"]
    of_types = {value.number: value.options.Extensions[options_pb2.value_gate] for value in types.value if value.number}
    event = dict(messages(files))[EVENT]
    of_payloads = {
        field.number: field.options.Extensions[options_pb2.gate] for field in event.field if field.number in of_types
    }
    assert of_types == of_payloads


def test_no_event_names_a_person_or_holds_a_secret(files: Files) -> None:
    allowed = {options_pb2.DATA_CLASS_PUBLIC, options_pb2.DATA_CLASS_PSEUDONYM}
    for name, message in closure(files, EVENT).items():
        default = message.options.Extensions[options_pb2.default_class]
        for field in message.field:
            if is_leaf(field):
                own = field.options.Extensions[options_pb2.data_class]
                assert (own or default) in allowed, f"{name}.{field.name}"


def test_text_in_events_is_from_a_short_list_of_names(files: Files) -> None:
    text = {
        f"{name}.{field.name}".removeprefix("ora.events.v1.")
        for name, message in closure(files, EVENT).items()
        for field in message.field
        if field.type == Field.TYPE_STRING
    }
    assert text == {
        "Event.producer",
        "ErasureCompleted.workload",
        "TelemetryAlarmRaised.hardware_model",
        "TelemetryAlarmRaised.firmware_version",
    }


@pytest.mark.parametrize(
    ("event_enum", "own_enums"),
    [
        ("ora.events.v1.ProjectState", {"ora.portal.v1.ProjectState", "ora.portal.v1.Project.State"}),
        ("ora.events.v1.AccessKeyState", {"ora.portal.v1.AccessKeyState", "ora.portal.v1.AccessKey.State"}),
    ],
)
def test_states_in_events_are_those_of_the_portal(files: Files, event_enum: str, own_enums: set[str]) -> None:
    known = dict(enums(files))
    owners = own_enums & set(known)
    if not owners:  # a state that the portal has not declared has no owner; one that it declares elsewhere is an error
        subject = event_enum.rpartition(".")[2].removesuffix("State")
        assert f"ora.portal.v1.{subject}" not in dict(messages(files))
        return
    assert len(owners) == 1

    def values(name: str) -> dict[str, int]:
        return {value.name.rpartition("STATE_")[2]: value.number for value in known[name].value}

    assert values(event_enum) == values(owners.pop())
