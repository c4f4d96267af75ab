"""Phase 2 is an extension: the registry is the contract, and opening every gate changes nothing that exists."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

import pytest
import yaml
from google.protobuf import json_format
from google.protobuf.message import DecodeError
from ora.options.v1 import options_pb2

from tests.contract.image import ROOT, BufError, Field, classes, enums, messages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from google.protobuf.message import Message

    from tests.contract.image import Files, Tree

REGISTRY: Final = ROOT / "proto" / "phase2.yaml"
GOLDEN: Final = ROOT / "proto" / "golden"
GATE: Final = re.compile(r'\(ora\.options\.v1\.(?:value_)?gate\) = "[a-z]+"')
ENVELOPE: Final = "ora.relay.v1.Envelope"
HEADER: Final = "ora.relay.v1.RouteHeader"
RECORD: Final = "ora.common.v1.SignedRecord"
FOLDERS: Final = {"envelope": ENVELOPE, "route_header": HEADER, "record": RECORD}


def registry() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load(REGISTRY.read_text())
    return read


def type_of(field: Field) -> str:
    return field.type_name.removeprefix(".") or Field.Type.Name(field.type).removeprefix("TYPE_").lower()


def gated_fields(files: Files) -> dict[str, list[dict[str, Any]]]:
    """Return every gated field of the contracts in the registry's form."""
    found: dict[str, list[dict[str, Any]]] = {}
    for name, message in messages(files):
        for field in message.field:
            if gate := field.options.Extensions[options_pb2.gate]:
                row = {"number": field.number, "name": field.name, "type": type_of(field), "gate": gate}
                found.setdefault(name, []).append(row)
    return found


def gated_values(files: Files) -> dict[str, list[dict[str, Any]]]:
    """Return every gated enum value of the contracts in the registry's form."""
    found: dict[str, list[dict[str, Any]]] = {}
    for name, enum in enums(files):
        for value in enum.value:
            if gate := value.options.Extensions[options_pb2.value_gate]:
                row = {"number": value.number, "name": value.name, "gate": gate}
                found.setdefault(name, []).append(row)
    return found


def open_gates(tree: Tree) -> int:
    """Remove every gate option from a scratch copy; return how many there were."""
    opened = 0
    for path in tree.root.glob("proto/ora/**/*.proto"):
        if path.parts[-3] == "options":
            continue
        text, count = re.subn(rf",?\s*{GATE.pattern}", "", path.read_text())
        text = re.sub(r"\s*\[\s*\]", "", text)
        path.write_text(re.sub(r"\[\s*,", "[", text))
        opened += count
    return opened


def test_the_registry_is_what_the_contracts_declare(files: Files) -> None:
    assert registry()["fields"] == gated_fields(files)
    assert registry()["values"] == gated_values(files)


def test_every_gate_is_explained_and_used() -> None:
    rows = [row for part in ("fields", "values") for each in registry()[part].values() for row in each]
    assert set(registry()["gates"]) == {row["gate"] for row in rows}
    assert all(registry()["gates"].values())


def test_a_gated_field_that_the_registry_does_not_know_is_found(scratch: Callable[[], Tree]) -> None:
    copy = scratch()
    copy.edit(
        "ora/relay/v1/envelope.proto",
        "  reserved 43 to 63;",
        '  uint32 hop_limit = 64 [(ora.options.v1.gate) = "region"];\n  reserved 43 to 63;',
    )
    assert gated_fields(copy.compile()) != registry()["fields"]


def test_what_is_not_known_yet_is_reserved(files: Files) -> None:
    known = dict(messages(files))
    assert HEADER in registry()["reserved"]
    for name, ranges in registry()["reserved"].items():
        assert [[each.start, each.end - 1] for each in known[name].reserved_range] == ranges
    assert registry()["reserved"][HEADER] == [[43, 63]]


def test_opening_every_gate_breaks_nobody(tree: Tree, scratch: Callable[[], Tree]) -> None:
    opened = scratch()
    assert open_gates(opened) == sum(map(len, [*registry()["fields"].values(), *registry()["values"].values()]))
    opened.check_breaking(tree)
    files = opened.compile()
    assert gated_fields(files) == gated_values(files) == {}


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("ora/relay/v1/envelope.proto", "  reserved 43 to 63;", "  reserved 44 to 63;"),
        ("ora/relay/v1/envelope.proto", "uint64 shadow_version = 41", "uint64 shadow_version = 64"),
        ("ora/relay/v1/envelope.proto", "uint32 stream_credit = 38", "bytes stream_credit = 38"),
        ("ora/common/v1/capability.proto", "CAPABILITY_SHADOW = 7", "CAPABILITY_SHADOW = 8"),
    ],
)
def test_re_making_a_number_is_found(tree: Tree, scratch: Callable[[], Tree], file: str, old: str, new: str) -> None:
    changed = scratch()
    changed.edit(file, old, new)
    with pytest.raises(BufError):
        changed.check_breaking(tree)


def vectors() -> Iterator[tuple[str, str, bytes, dict[str, Any]]]:
    """Yield the message, name, bytes and description of each golden vector that is a message."""
    for folder, message in FOLDERS.items():
        for path in sorted((GOLDEN / folder).glob("*.json")):
            yield message, f"{folder}/{path.stem}", path.with_suffix(".bin").read_bytes(), json.loads(path.read_text())


def decode(made: dict[str, type[Message]], message: str, data: bytes) -> dict[str, Any] | None:
    """Return what a message says, and its unknown fields by serialising it again; None if it is none."""
    try:
        parsed = made[message].FromString(data)
    except DecodeError:
        return None
    says = json_format.MessageToDict(parsed, preserving_proto_field_name=True)
    if message == ENVELOPE:
        inner: bytes = getattr(parsed, "route_header")  # noqa: B009 - the class is made at run time
        says["header"] = decode(made, HEADER, inner)
    return {"says": says, "again": parsed.SerializeToString(deterministic=True)}


def test_the_golden_corpus_means_the_same_with_every_gate_open(compiled: Files, scratch: Callable[[], Tree]) -> None:
    opened = scratch()
    open_gates(opened)
    before, after = classes(compiled), classes(opened.compile())
    replayed = 0
    for message, name, data, _ in vectors():
        assert decode(before, message, data) == decode(after, message, data), name
        replayed += 1
    assert replayed > 80


def test_positive_vectors_decode_to_their_fields(compiled: Files) -> None:
    made = classes(compiled)
    checked = 0
    for message, name, data, about in vectors():
        if about.get("expect", "OPENS") not in {"OPENS", "VERIFIES"} or about.get("relay", "FORWARD") != "FORWARD":
            continue
        parsed = made[message].FromString(data)
        if message == RECORD:
            statement = made[about["statement_message"]].FromString(parsed.statement)  # type: ignore[attr-defined]
            told = json_format.MessageToDict(statement, preserving_proto_field_name=True)
            assert told == about["statement_fields"], name
        else:
            header = data if message == HEADER else parsed.route_header  # type: ignore[attr-defined]
            assert fields(made[HEADER].FromString(header)) == about["fields"], name
        checked += 1
    assert checked > 20


def fields(message: Message) -> dict[str, Any]:
    """Return the set fields as the corpus writes them: numbers, names of enum values, hex."""
    return {field.name: plain(field, value) for field, value in message.ListFields()}


def plain(field: Any, value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    return field.enum_type.values_by_number[value].name if field.enum_type else value
