from __future__ import annotations

import json
import re
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf import json_format
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from openapi_spec_validator import validate
from ora.fleet.v1 import hub_record_service_pb2 as fleet
from ora.relay.v1 import envelope_pb2
from ora.relay.v1 import relay_service_pb2 as relay

from gateway import contract
from gateway.openapi import __main__ as command
from gateway.openapi import addresses, catalogue, source
from gateway.openapi.operations import operation_id

if TYPE_CHECKING:
    from pathlib import Path

ROOT = source.ROOT
_REASON = re.compile(r'(?:reason=|default_reason = (?:Code\.\w+, )?)"([A-Z_]+)"')


@cache
def built() -> source.Source:
    return source.build()


@cache
def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(command.files()[ROOT / "docs" / "api" / "openapi.json"])
    return found


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    return [(path, verb, each) for path, verbs in document()["paths"].items() for verb, each in verbs.items()]


def test_what_is_committed_is_what_the_contracts_give() -> None:
    assert not command.stale(), "stale: run `python -m gateway.openapi`"


def test_a_public_validator_takes_it() -> None:
    validate(document())


def test_every_rest_address_is_in_it_and_nothing_else() -> None:
    promised = {
        (addresses.path(binding), binding.verb.lower(), operation_id(method, binding))
        for method in built().contract.methods
        for binding in method.bindings
    }
    assert {(path, verb, each["operationId"]) for path, verb, each in operations()} == promised


def test_every_operation_has_a_name_of_its_own() -> None:
    names = [each["operationId"] for _, _, each in operations()]
    assert len(set(names)) == len(names)


def test_every_operation_is_described_and_names_its_path_parameters() -> None:
    for path, _, each in operations():
        assert each["summary"]
        assert each["description"]
        assert re.findall(r"{(\w+)}", path) == [p["name"] for p in each["parameters"] if p["in"] == "path"]
        names = [p["name"] for p in each["parameters"]]
        assert len(set(names)) == len(names)


def test_every_component_is_described() -> None:
    bare = [
        name
        for name, schema in document()["components"]["schemas"].items()
        if not schema.get("description") and not name.startswith("google.")
    ]
    assert not bare


def test_who_may_call_is_what_the_contract_says() -> None:
    for _, _, each in operations():
        kinds = {name for entry in each["security"] for name in entry}
        if each["x-ora-doors"] == ["hub"]:
            assert kinds == {"hub"}
        if each["x-ora-doors"] == ["backup"]:
            assert not kinds
        assert ("401" in each["responses"]) == bool(kinds)


def check(name: str, instance: object) -> list[str]:
    schema = {"$ref": f"#/components/schemas/{name}", "components": document()["components"]}
    return [error.message for error in Draft202012Validator(schema).iter_errors(instance)]


def as_transcoded(message: Any) -> dict[str, Any]:
    return json_format.MessageToDict(message, always_print_fields_with_no_presence=True)


@pytest.mark.parametrize(
    "message",
    [
        relay.SendResponse(),
        relay.SendResponse(message_id=b"x" * 16, outcome=relay.OUTCOME_REFUSED, retry_after_ms=2**32 - 1),
        relay.ReceiveResponse(envelope=envelope_pb2.Envelope(route_header=b"h", sealed=b"s" * 65536)),
        fleet.HubRecords(),
        fleet.HubRecords(hub="hubs/" + "a" * 36, owner_epoch=2**64 - 1),
    ],
    ids=lambda message: f"{message.DESCRIPTOR.name} {message.ByteSize()}",
)
def test_an_answer_fits_its_schema(message: Any) -> None:
    assert not check(message.DESCRIPTOR.full_name, as_transcoded(message))


@pytest.mark.parametrize(
    ("instance", "fits"),
    [
        ({"routeHeader": "AAAA", "sealed": "AAAA"}, True),
        ({"routeHeader": "AAAA", "sealed": "A" * 87384}, True),
        ({"routeHeader": "AAAA", "sealed": "A" * 87388}, False),
        ({"routeHeader": "AAAA", "sealed": 5}, False),
    ],
)
def test_a_body_that_breaks_a_rule_does_not_fit(instance: object, *, fits: bool) -> None:
    assert (not check("ora.relay.v1.Envelope", instance)) == fits


def test_a_problem_of_the_gateway_fits_its_schema() -> None:
    assert not check(
        "Problem",
        {
            "type": "https://docs.ora.test/problems/x",
            "title": "X",
            "status": 400,
            "detail": "d",
            "reason": "X",
            "code": "INVALID_ARGUMENT",
            "errors": [{"field": "a", "detail": "b", "reason": ""}],
        },
    )


def test_the_descriptors_that_envoy_reads_have_the_same_methods() -> None:
    assert {m.full_name for m in built().contract.methods} == {m.full_name for m in contract.load().methods}


def test_every_reason_that_the_mesh_gives_is_in_the_catalogue() -> None:
    known = {reason.name for reason in catalogue.reasons(built())}
    texts = [path.read_text() for path in ROOT.joinpath("mesh").rglob("*.py")]
    lines = [line for text in texts for line in text.splitlines() if "FieldViolation(" not in line]
    given = {each for line in lines for each in _REASON.findall(line)}
    assert len(given) > 10
    assert given <= known


def test_the_command_fails_when_a_file_is_stale(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stale = ROOT / "docs" / "api" / "openapi.json"
    monkeypatch.setattr(command, "files", lambda: {stale: "other"})
    monkeypatch.setattr("sys.argv", ["openapi", "--check"])
    assert command.main() == 1
    assert "docs/api/openapi.json" in capsys.readouterr().err


def test_the_command_writes_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "api" / "x.json"
    monkeypatch.setattr(command, "_FOLDER", out.parent)
    monkeypatch.setattr(command, "files", lambda: {out: "text"})
    monkeypatch.setattr("sys.argv", ["openapi"])
    assert command.main() == 0
    assert out.read_text() == "text"


def bodies() -> list[tuple[str, bool, dict[str, Any]]]:
    found = []
    for _, _, each in operations():
        for reading, holder in ((False, each.get("requestBody", {})), (True, each["responses"]["200"])):
            if content := holder.get("content", {}).get("application/json"):
                found.append((each["operationId"], reading, content))
    return found


def test_every_json_body_has_an_example_that_its_schema_takes() -> None:
    assert len(bodies()) > 200
    for name, reading, content in bodies():
        schema = {"components": document()["components"], **content["schema"]}
        errors = list(Draft202012Validator(schema).iter_errors(content["example"]))
        assert not errors, (name, reading, errors[0].message, content["example"])


def test_an_example_has_what_a_caller_may_set_and_no_more() -> None:
    (hub,) = (content for name, reading, content in bodies() if name == "Relay_Send" and not reading)
    assert set(hub["example"]) == {"routeHeader", "sealed"}
    for name, reading, content in bodies():
        properties = content["schema"].get("properties", {})
        hidden = "writeOnly" if reading else "readOnly"
        assert not {key for key in content["example"] if properties.get(key, {}).get(hidden)}, name


def test_an_operation_names_its_reasons_and_each_is_in_the_catalogue() -> None:
    known = {reason.name for reason in catalogue.reasons(built())}
    named = {each["operationId"]: set(each["x-ora-reasons"]) for _, _, each in operations()}
    assert all(reasons <= known for reasons in named.values())
    assert {"INSUFFICIENT_USER_AUTHENTICATION", "TOKEN_NOT_BOUND"} <= named["Handover_InitiateHandover"]
    assert "ETAG_MISMATCH" in named["Handover_InitiateHandover"]
    assert "CREDENTIALS_MISSING" not in named["HubRecord_GetHubRecords"]
    for method in built().contract.methods:
        reasons = named[operation_id(method, method.bindings[0])]
        assert ("TOKEN_NOT_BOUND" in reasons) == method.policy.HasField("step_up")
