"""What the cloud must not hold has no name in any contract, and what it must not read has no decoder in its reach."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from buf.validate import validate_pb2
from ora.options.v1 import options_pb2

from tests.contract import rules
from tests.contract.image import (
    Field,
    closure,
    enums,
    messages,
    methods,
    ours,
    service_closure,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.contract.image import Files

LAYOUT = "ora.backup.v1.Layout"
LAYOUT_FILE = "ora/backup/v1/layout.proto"
CONTENT_FILE = "ora/relay/v1/sealed_content.proto"
TELEMETRY_FILE = "ora/ingest/v1/telemetry.proto"
INTEGERS = {
    Field.TYPE_UINT32: "uint32",
    Field.TYPE_SINT32: "sint32",
    Field.TYPE_INT32: "int32",
}
# Beside rules.FORBIDDEN: what a home's layout does not need, and who lives by which habits does not follow from.
NOT_IN_A_LAYOUT = (
    "name",
    "label",
    "text",
    "note",
    "comment",
    "person",
    "people",
    "user",
    "owner",
    "member",
    "account",
    "email",
    "phone",
    "address",
    "latitude",
    "longitude",
    "serial",
    "mac",
    "node id",
    "key",
    "secret",
    "certificate",
    "shadow",
    "state",
    "lifecycle",
    "firmware",
    "schedule",
    "scene",
    "rule",
    "time",
    "date",
    "day",
)
NOT_IN_A_BACKUP = ("hub", "account", "tenant", "organisation", "organization", "project", "person", "subject", "owner")


def names(files: Files, *roots: str) -> Iterator[str]:
    for name, message in closure(files, *roots).items():
        yield name.rpartition(".")[2]
        yield from (field.name for field in message.field)


# P8.


def test_no_contract_names_what_the_cloud_must_never_hold(files: Files) -> None:
    assert rules.forbidden(files) == []


@pytest.mark.parametrize(
    "name",
    ["ipk", "noc_private_key", "fabric_id", "fabrics", "SetupPasscode", "setupPinCode", "acl", "on_off", "deviceState"],
)
def test_a_forbidden_name_is_found_in_any_spelling(files: Files, name: str) -> None:
    rules.file_of(files, "ora/fleet/v1/hub.proto").message_type[0].field.add(
        name=name, number=99, type=Field.TYPE_BYTES
    )
    assert [each.partition(":")[0] for each in rules.forbidden(files)] == [f"ora.fleet.v1.Hub.{name}"]


def test_no_contract_has_an_open_type(files: Files) -> None:
    open_types = {".google.protobuf.Any", ".google.protobuf.Struct", ".google.protobuf.Value"}
    assert not [
        f"{name}.{field.name}"
        for name, message in messages(files)
        for field in message.field
        if field.type_name in open_types
    ]


# The plaintext of a backup.


def sinks(files: Files) -> list[str]:
    """Find fields of the layout that could carry something else."""
    return [
        f"{name}.{field.name}: {problem}"
        for name, message in closure(files, LAYOUT).items()
        for field in message.field
        for problem in sink(field)
    ]


def sink(field: Field) -> Iterator[str]:
    found = field.options.Extensions[validate_pb2.field]
    if field.label == Field.LABEL_REPEATED:
        found = found.repeated.items
    if field.type in INTEGERS:
        bounds = getattr(found, INTEGERS[field.type])
        signed = field.type != Field.TYPE_UINT32
        low = not signed or bounds.HasField("gte")
        if not (bounds.HasField("const") or (bounds.HasField("lte") and low)):
            yield "is a number without bounds"
    elif field.type == Field.TYPE_ENUM:
        if not found.enum.defined_only:
            yield "is an enum with free numbers"
    elif field.type != Field.TYPE_MESSAGE:
        yield "can hold anything"
    elif not field.type_name.startswith(".ora.backup.v1."):
        yield "is of a type from elsewhere"


def test_a_layout_has_no_sink(files: Files) -> None:
    assert sinks(files) == []
    assert len(closure(files, LAYOUT)) > 5


@pytest.mark.parametrize(
    "kind", [Field.TYPE_STRING, Field.TYPE_BYTES, Field.TYPE_DOUBLE, Field.TYPE_UINT64, Field.TYPE_UINT32]
)
def test_a_sink_in_a_layout_is_found(files: Files, kind: Field.Type.ValueType) -> None:
    rules.file_of(files, LAYOUT_FILE).message_type[0].field.add(name="extra", number=99, type=kind)
    assert len(sinks(files)) == 1


def test_a_layout_names_nothing_but_topology_and_rooms(files: Files) -> None:
    phrases = rules.FORBIDDEN + NOT_IN_A_LAYOUT
    assert {name: found for name in names(files, LAYOUT) if (found := rules.says(name, phrases))} == {}


def test_a_room_name_in_a_layout_is_found(files: Files) -> None:
    room = dict(messages(files))["ora.backup.v1.Room"]
    room.field.add(name="room_name", number=99, type=Field.TYPE_UINT32)
    assert "name" in rules.says(room.field[-1].name, NOT_IN_A_LAYOUT)
    assert "room_name" in set(names(files, LAYOUT))


def test_the_layout_stands_alone(files: Files) -> None:
    inside = {f"ora.backup.v1.{message.name}" for message in rules.file_of(files, LAYOUT_FILE).message_type}
    assert set(closure(files, LAYOUT)) == inside
    assert [file.name for file in files.file if LAYOUT_FILE in file.dependency] == []


def test_fabric_escrow_is_reserved_and_cannot_be_named(files: Files) -> None:
    content = dict(enums(files))["ora.backup.v1.ContentType"]
    assert [(each.start, each.end) for each in content.reserved_range] == [(2, 2)]
    assert list(content.reserved_name) == ["CONTENT_TYPE_FABRIC_ESCROW"]


# Who cannot read what.


@pytest.mark.parametrize("decoder", [CONTENT_FILE, LAYOUT_FILE, TELEMETRY_FILE])
def test_no_contract_with_a_service_reaches_a_decoder(files: Files, decoder: str) -> None:
    known = {file.name: file for file in files.file}
    reaching = []
    for file in ours(files):
        reached, waiting = set(), [file.name]
        while waiting:
            name = waiting.pop()
            if name not in reached:
                reached.add(name)
                waiting += known[name].dependency
        if file.service and decoder in reached:
            reaching.append(file.name)
    assert reaching == []


@pytest.mark.parametrize(
    "service",
    [
        "ora.relay.v1.RelayService",
        "ora.relay.v1.RelayNodeService",
        "ora.relay.v1.RelayOperationsService",
        "ora.ingest.v1.IntakeService",
    ],
)
def test_who_carries_payloads_has_no_message_for_what_is_inside(files: Files, service: str) -> None:
    inside = {
        f"{file.package}.{message.name}"
        for name in (CONTENT_FILE, TELEMETRY_FILE, LAYOUT_FILE)
        for file in [rules.file_of(files, name)]
        for message in file.message_type
    }
    assert inside & set(service_closure(files, service)) == set()


def test_what_is_sealed_is_bytes_that_no_log_shows(files: Files) -> None:
    known = dict(messages(files))
    carried = [
        ("ora.relay.v1.Envelope", "sealed"),
        ("ora.ingest.v1.ForwardTelemetryRequest", "payload"),
        ("ora.ingest.v1.IngestTelemetryRequest", "payload"),
        ("ora.backup.v1.WriteUploadRequest", "data"),
    ]
    for message, name in carried:
        field = next(each for each in known[message].field if each.name == name)
        assert field.type == Field.TYPE_BYTES or field.type_name == ".google.api.HttpBody"
        assert field.options.Extensions[options_pb2.data_class] == options_pb2.DATA_CLASS_OPAQUE


# Whose backup it is.


def test_stored_backups_and_their_door_know_nobody(files: Files) -> None:
    for service in ("ora.backup.v1.BackupService", "ora.backup.v1.BackupUploadService"):
        spoken = list(names(files, *service_closure(files, service)))
        assert {name: found for name in spoken if (found := rules.says(name, NOT_IN_A_BACKUP))} == {}
        for name, method in methods(files):
            if name.startswith(f"{service}."):
                policy = method.options.Extensions[options_pb2.policy]
                outside = "gateway" in policy.callers
                assert (policy.subject == options_pb2.SUBJECT_ANONYMOUS) == outside, name


def test_a_ticket_names_nobody(files: Files) -> None:
    spoken = list(names(files, "ora.backup.v1.Ticket", "ora.backup.v1.TicketKey"))
    assert {name: found for name in spoken if (found := rules.says(name, NOT_IN_A_BACKUP))} == {}
