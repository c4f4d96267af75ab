from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import descriptor_pb2
from ora.options.v1 import options_pb2

from gateway import contract, filters, query, values_file
from gateway.contract import ContractError, Door
from gateway.render import bootstrap
from tests.unit.gateway.test_gateway_values import good

CONTRACT = contract.load()
SERVICES = sorted({method.workload for method in CONTRACT.methods})
VALUES = values_file.parse(
    good()
    | {
        "targets": {name: ["127.0.0.1:9"] for name in SERVICES},
        "listen": good()["listen"] | {"backup": "127.0.0.1:8"},
    }
)
CONFIG: Any = bootstrap(VALUES, Path("/secrets"), CONTRACT)


def manager(listener: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = listener["filter_chains"][0]["filters"][0]["typed_config"]
    return found


def routes(door: str) -> list[dict[str, Any]]:
    for listener in CONFIG["static_resources"]["listeners"]:
        if listener["name"] == door:
            found: list[dict[str, Any]] = manager(listener)["route_config"]["virtual_hosts"][0]["routes"]
            return found
    return []


def calls(door: str) -> list[dict[str, Any]]:
    return [route for route in routes(door) if "route" in route]


def verb_of(route: dict[str, Any]) -> str:
    found: str = route["match"]["headers"][0]["string_match"]["exact"]
    return found


def test_the_annotated_methods_and_envoys_routes_are_the_same_set() -> None:
    promised = {
        (door.value, method.full_name, binding.verb, binding.template.regex)
        for method in CONTRACT.methods
        for door in method.doors
        for binding in method.bindings
    }
    served = {
        (door.value, route["name"], verb_of(route), route["match"]["safe_regex"]["regex"])
        for door in Door
        for route in calls(door.value)
    }
    assert served == promised


def test_the_transcoder_of_a_door_knows_the_services_of_its_routes_and_no_other() -> None:
    for listener in CONFIG["static_resources"]["listeners"]:
        transcoder = next(f for f in manager(listener)["http_filters"] if f["name"] == filters.TRANSCODER)
        named = {route["name"].rpartition(".")[0] for route in calls(listener["name"])}
        assert set(transcoder["typed_config"]["services"]) == named


def test_no_method_without_an_http_rule_has_a_route() -> None:
    names = {route["name"] for door in Door for route in calls(door.value)}
    assert "ora.relay.v1.RelayService.Tunnel" not in names
    assert "ora.fleet.v1.HubRecordService.LowerConsent" not in names


def test_a_service_without_a_target_has_no_route_and_no_cluster() -> None:
    values = values_file.parse(good())
    config: Any = bootstrap(values, Path("/secrets"), CONTRACT)
    assert {each["name"] for each in config["static_resources"]["listeners"]} == {"app"}
    assert {each["name"] for each in config["static_resources"]["clusters"]} == {"relay", "issuer_voltex"}


def test_no_two_methods_of_a_door_have_the_same_address() -> None:
    for door in Door:
        seen: dict[tuple[str, str], str] = {}
        for route in calls(door.value):
            address = (verb_of(route), route["match"]["safe_regex"]["regex"])
            assert seen.setdefault(address, route["name"]) == route["name"]


def of(method: contract.Method, door: Door) -> list[dict[str, Any]]:
    return [route for route in calls(door.value) if route["name"] == method.full_name]


EACH = pytest.mark.parametrize(
    ("method", "door"),
    [pytest.param(m, d, id=f"{d.value} {m.full_name}") for m in CONTRACT.methods for d in sorted(m.doors)],
)


@EACH
def test_a_route_has_the_time_of_its_method(method: contract.Method, door: Door) -> None:
    deadline = method.policy.deadline_ms
    for route in of(method, door):
        if deadline:
            assert float(route["route"]["timeout"].removesuffix("s")) * 1000 == deadline + 500
            assert route["request_headers_to_add"][0]["header"] == {"key": "grpc-timeout", "value": f"{deadline}m"}
        else:
            assert route["route"]["timeout"] == "0s"
            assert route["route"]["idle_timeout"] == "90s"
            assert route["route"]["max_stream_duration"]["max_stream_duration"] == "900s"


@EACH
def test_a_call_is_repeated_where_the_contract_says_it_does_no_harm(method: contract.Method, door: Door) -> None:
    harmless = {options_pb2.IDEMPOTENCY_READ_ONLY, options_pb2.IDEMPOTENCY_NATURAL}
    expected = method.policy.idempotency in harmless and not method.streams_in
    for route in of(method, door):
        assert ("retry_policy" in route["route"]) == expected


@EACH
def test_a_route_asks_for_the_person_that_its_method_asks_for(method: contract.Method, door: Door) -> None:
    for route in of(method, door):
        per_filter = route["typed_per_filter_config"]
        if door is not Door.APP:
            assert filters.JWT not in per_filter
            continue
        api_token = any(header["name"] == "authorization" for header in route["match"]["headers"])
        nobody = method.policy.subject == options_pb2.SUBJECT_ANONYMOUS or api_token
        assert per_filter[filters.JWT].get("disabled", False) == nobody
        assert bool(route.get("metadata", {}).get("filter_metadata", {}).get(filters.DRAIN)) != nobody
        assert ("rbac" in per_filter[filters.RBAC]) != nobody
        assert not api_token or method.policy.token_scopes


@EACH
def test_every_route_has_a_limit_and_a_bound_for_its_body(method: contract.Method, door: Door) -> None:
    for route in of(method, door):
        per_filter = route["typed_per_filter_config"]
        limit = per_filter[filters.LOCAL_LIMIT]
        assert limit["filter_enabled"]["default_value"]["numerator"] == 100
        noted = limit["request_headers_to_add_when_not_enforced"][0]["header"]
        assert noted["key"] == filters.OVER_LIMIT_HEADER
        assert limit["descriptors"][0]["token_bucket"]["max_tokens"] > 0
        body = per_filter[filters.BUFFER]
        assert body.get("disabled", False) == method.streams_in
        assert method.streams_in or body["buffer"]["max_request_bytes"] >= 1024


@EACH
def test_a_stream_of_messages_can_be_had_as_events(method: contract.Method, door: Door) -> None:
    accepts = [any(h["name"] == "accept" for h in route["match"]["headers"]) for route in of(method, door)]
    assert any(accepts) == (method.streams_out and method.output != contract.HTTP_BODY)
    assert not accepts[-1]


def test_the_answers_of_the_gateway_itself_come_last() -> None:
    for door in Door:
        kinds = ["direct_response" in route for route in routes(door.value)]
        assert kinds[-1]
        assert routes(door.value)[-1]["match"] == {"prefix": "/"}


def test_what_was_noted_is_refused_before_any_other_route_is_tried() -> None:
    for door in Door:
        first = routes(door.value)[:2] if door is Door.APP else routes(door.value)[:1]
        assert all("direct_response" in route for route in first)
        assert all(route["match"]["headers"][0]["name"] == filters.REFUSED_HEADER for route in first)


def test_only_the_hub_door_asks_for_a_certificate_and_only_it_forwards_one() -> None:
    for listener in CONFIG["static_resources"]["listeners"]:
        socket = listener["filter_chains"][0]["transport_socket"]["typed_config"]
        hub = listener["name"] == "hub"
        assert socket["require_client_certificate"] == hub
        assert manager(listener)["forward_client_cert_details"] == ("SANITIZE_SET" if hub else "SANITIZE")


def test_where_a_backup_comes_from_is_told_to_nobody() -> None:
    for listener in CONFIG["static_resources"]["listeners"]:
        host = manager(listener)["route_config"]["virtual_hosts"][0]
        assert ("request_headers_to_add" in host) == (listener["name"] != "backup")
        assert "x-forwarded-for" in host["request_headers_to_remove"]


def test_every_service_is_spoken_to_as_itself_alone() -> None:
    for cluster in CONFIG["static_resources"]["clusters"]:
        if cluster["name"].startswith("issuer_"):
            continue
        tls = cluster["transport_socket"]["typed_config"]["common_tls_context"]
        names = tls["combined_validation_context"]["default_validation_context"]["match_typed_subject_alt_names"]
        assert names == [{"san_type": "URI", "matcher": {"exact": f"spiffe://ora/{cluster['name']}"}}]
        assert cluster["health_checks"]
        assert cluster["circuit_breakers"]
        assert cluster["outlier_detection"]


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("/v1/x", True),
        ("/v1/x?", True),
        ("/v1/x?a=1", True),
        ("/v1/x?a=1&b.c=2&a=3", True),
        ("/v1/x?a=", True),
        ("/v1/x?a", False),
        ("/v1/x?aa=1", False),
        ("/v1/x?b_c=1", False),
        ("/v1/x?bxc=1", False),
        ("/v1/x?a=1&", True),
        ("/v1/x?a=1&d=2", False),
        ("/v1/x?d=a=1", False),
        ("/v1/x?a=1?d=2", True),  # one value, with a question mark
    ],
)
def test_a_query_has_the_names_of_the_contract_and_no_other(text: str, *, taken: bool) -> None:
    assert bool(re.fullmatch(query.pattern(["a", "b.c"]), text)) == taken
    assert bool(re.fullmatch(query.pattern([]), text)) == (text in {"/v1/x", "/v1/x?"})


def test_a_method_that_the_gateway_may_not_call_is_no_route() -> None:
    files = descriptor_pb2.FileDescriptorSet.FromString(contract.DESCRIPTORS.read_bytes())
    for file in files.file:
        for service in file.service:
            for method in service.method:
                method.options.Extensions[options_pb2.policy].callers[:] = ["bridge"]
    with pytest.raises(ContractError, match="does not let the gateway call"):
        contract.parse(files)


def test_a_method_for_nobody_is_no_route() -> None:
    method = CONTRACT.methods[0]
    policy = options_pb2.MethodPolicy(subject=options_pb2.SUBJECT_WORKLOAD)
    changed = contract.Method(
        service=method.service,
        name=method.name,
        input=method.input,
        output=method.output,
        streams_in=False,
        streams_out=False,
        bindings=(),
        policy=policy,
    )
    with pytest.raises(ContractError):
        _ = changed.doors
