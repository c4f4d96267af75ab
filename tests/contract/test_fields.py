"""Every field says what kind of data it holds and how large it gets; ids and names are alike everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import protovalidate
from buf.validate import validate_pb2
from ora.options.v1 import options_pb2

from tests.contract import rules
from tests.contract.image import Field, classes, closure, messages, ours

if TYPE_CHECKING:
    from tests.contract.image import Files

RECORD_BYTES = 4096
FIRMWARE = {"common", "fleet", "ingest", "backup"}
PEER = "ora.fleet.v1.Peer"


def field(files: Files, message: str, name: str) -> Field:
    return next(each for each in dict(messages(files))[message].field if each.name == name)


def fleet(problems: list[str]) -> list[str]:
    """Return the problems of the area that the tests spoil."""
    return sorted(each for each in problems if each.startswith("ora.fleet."))


def test_every_leaf_field_has_a_class(files: Files) -> None:
    assert rules.unclassified(files) == []


def test_a_field_without_a_class_is_found(files: Files) -> None:
    dict(messages(files))[PEER].options.ClearExtension(options_pb2.default_class)
    spoilt = [f"{PEER}.{name}" for name in ("not_after_seconds", "peer_id", "subject_digest")]
    assert fleet(rules.unclassified(files)) == spoilt


def test_everything_is_bounded(files: Files) -> None:
    assert rules.unbounded(files) == []


def test_an_unbounded_field_is_found(files: Files) -> None:
    field(files, PEER, "peer_id").options.ClearExtension(validate_pb2.field)
    field(files, "ora.fleet.v1.PeerListStatement", "peers").options.ClearExtension(validate_pb2.field)
    field(files, "ora.fleet.v1.Hub", "lot").options.ClearExtension(validate_pb2.field)
    assert fleet(rules.unbounded(files)) == [
        "ora.fleet.v1.Hub.lot: is text of any length",
        "ora.fleet.v1.Peer.peer_id: is bytes of any length",
        "ora.fleet.v1.PeerListStatement.peers: holds any number of items",
    ]


def test_ids_and_names_are_alike_everywhere(files: Files) -> None:
    assert rules.misnamed(files) == []


def test_an_id_of_another_size_is_found(files: Files) -> None:
    field(files, PEER, "peer_id").options.Extensions[validate_pb2.field].bytes.len = 12
    assert fleet(rules.misnamed(files)) == [f"{PEER}.peer_id: an id is 16 bytes"]


def test_a_name_of_any_form_is_found(files: Files) -> None:
    name = field(files, "ora.fleet.v1.SuspendHubRequest", "name")
    name.options.Extensions[validate_pb2.field].string.ClearField("prefix")
    assert fleet(rules.misnamed(files)) == ["ora.fleet.v1.SuspendHubRequest.name: a resource name has a known form"]


def test_every_rule_of_the_contract_compiles(files: Files) -> None:
    validator = protovalidate.Validator()
    checked = [validator.collect_violations(each()) for each in classes(files).values()]
    assert any(checked)


def test_what_firmware_compiles_fits_its_record(files: Files) -> None:
    statements = {name: message for name, message in messages(files) if name.endswith("Statement")}
    sizes = {name: greatest_size(files, name) for name in statements}
    assert len(sizes) > 8
    assert {name: size for name, size in sizes.items() if size > RECORD_BYTES} == {}


def test_statements_stand_in_files_of_their_own(files: Files) -> None:
    mixed = [
        file.name
        for file in ours(files)
        if file.package.split(".")[1] in FIRMWARE
        and any(message.name.endswith("Statement") for message in file.message_type)
        and (file.service or any("google/" in name for name in file.dependency))
    ]
    assert mixed == []


def greatest_size(files: Files, name: str) -> int:
    """Return how many bytes a message takes at most, from its rules."""
    total = 0
    for each in closure(files, name)[name].field:
        found = each.options.Extensions[validate_pb2.field]
        items = found.repeated.max_items if each.label == Field.LABEL_REPEATED else 1
        inner = found.repeated.items if each.label == Field.LABEL_REPEATED else found
        if each.type == Field.TYPE_STRING:
            size = 4 * (inner.string.len or inner.string.max_len)
        elif each.type == Field.TYPE_BYTES:
            size = inner.bytes.len or inner.bytes.max_len
        elif each.type == Field.TYPE_MESSAGE:
            size = greatest_size(files, each.type_name.removeprefix("."))
        else:
            size = 10
        total += items * (2 + 3 + size)  # a tag, a length, the value
    return total
