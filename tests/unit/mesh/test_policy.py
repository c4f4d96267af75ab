from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool
from ora.options.v1 import options_pb2 as o

from mesh.channel import _target, service_config
from mesh.errors import PermissionDeniedError, StepUpRequiredError
from mesh.identity import Anonymous, ApiClient, HubIdentity, Principal, Subject, Workload, WorkloadName
from mesh.ids import HubId, TenantId, uuid7
from mesh.policy import PolicyError, check_subject, method_of

NOW = datetime(2026, 1, 1, tzinfo=UTC)
GOOD: dict[str, Any] = {
    "callers": ["gateway"],
    "subject": o.SUBJECT_PERSON,
    "roles": [o.ROLE_HOMEOWNER],
    "rate_class": o.RATE_CLASS_READ,
    "deadline_ms": 1000,
    "idempotency": o.IDEMPOTENCY_NONE,
    "audit": o.AUDIT_CLASS_NONE,
}
_MADE = [0]


def declared(*, streaming: bool = False, request_id: int | None = None, **change: Any) -> str:
    """Put a method with a changed policy into the pool; return its path."""
    _MADE[0] += 1
    package = f"made.v{_MADE[0]}"
    file = descriptor_pb2.FileDescriptorProto(name=f"{package}.proto", package=package, syntax="proto3")
    message = file.message_type.add(name="M")
    if request_id:
        message.field.add(name="request_id", number=1, type=request_id, label=1)
    method = file.service.add(name="S").method.add(
        name="Do", input_type=f".{package}.M", output_type=f".{package}.M", server_streaming=streaming
    )
    policy = {key: value for key, value in {**GOOD, **change}.items() if value is not None}
    if policy:
        method.options.Extensions[o.policy].CopyFrom(o.MethodPolicy(**policy))
    file.dependency.append(o.DESCRIPTOR.name)
    descriptor_pool.Default().Add(file)
    return f"/{package}.S/Do"


def test_whole_policy_is_read() -> None:
    method = method_of(declared())
    assert method.callers == {"gateway"}
    assert method.roles == {o.ROLE_HOMEOWNER}
    assert method.deadline == 1.0


BAD: dict[str, dict[str, Any]] = {
    "no callers": {"callers": None},
    "empty caller": {"callers": [""]},
    "no subject": {"subject": None},
    "person without roles": {"roles": None},
    "role unspecified": {"roles": [o.ROLE_UNSPECIFIED]},
    "roles for a workload": {"subject": o.SUBJECT_WORKLOAD},
    "no rate class": {"rate_class": None},
    "unknown rate class": {"rate_class": 99},
    "no idempotency": {"idempotency": None},
    "no audit": {"audit": None},
    "no deadline": {"deadline_ms": None},
    "step-up without acr": {"step_up": o.StepUp(max_age_seconds=300)},
    "step-up without age": {"step_up": o.StepUp(acr="a")},
    "step-up for a hub": {"subject": o.SUBJECT_HUB, "roles": None, "step_up": o.StepUp(acr="a", max_age_seconds=1)},
    "scopes for a hub": {"subject": o.SUBJECT_HUB, "roles": None, "token_scopes": ["x"]},
    "request id without field": {"idempotency": o.IDEMPOTENCY_REQUEST_ID},
    "request id as number": {"idempotency": o.IDEMPOTENCY_REQUEST_ID, "request_id": 5},
}


@pytest.mark.parametrize("change", BAD.values(), ids=BAD.keys())
def test_incomplete_policy_is_none(change: dict[str, Any]) -> None:
    with pytest.raises(PolicyError):
        method_of(declared(**change))


def test_stream_may_live_without_a_deadline() -> None:
    assert method_of(declared(streaming=True, deadline_ms=None)).deadline is None


@pytest.mark.parametrize("path", ["/made.v1.Nothing/Do", "/made.v1.S/Nothing", "rubbish", "/a/b/c"])
def test_method_that_is_in_no_contract_has_no_policy(path: str) -> None:
    declared()
    with pytest.raises(PolicyError):
        method_of(path)


def person(**change: Any) -> Principal:
    values: dict[str, Any] = {
        "issuer": "i",
        "subject": "s",
        "roles": frozenset({o.ROLE_HOMEOWNER}),
        "tenant": None,
        "acr": "otp",
        "acr_reached": frozenset({"otp"}),
        "auth_time": NOW,
        "intents": (),
        "expires_at": NOW,
    }
    return Principal(**{**values, **change})


SUBJECTS: dict[str, Subject] = {
    "homeowner": person(),
    "support": person(roles=frozenset({o.ROLE_SUPPORT})),
    "nobody": person(roles=frozenset()),
    "api": ApiClient(token_id="t", tenant=TenantId(uuid7()), scopes=frozenset({"x"})),  # noqa: S106 - made up
    "hub": HubIdentity(HubId(uuid7())),
    "workload": Workload(WorkloadName("gateway")),
    "anonymous": Anonymous(),
}
ALLOWED = {
    o.SUBJECT_WORKLOAD: {"workload"},
    o.SUBJECT_PERSON: {"homeowner", "api"},
    o.SUBJECT_HUB: {"hub"},
    o.SUBJECT_ANONYMOUS: {"anonymous"},
    o.SUBJECT_PERSON_OR_HUB: {"homeowner", "api", "hub"},
}


@pytest.mark.parametrize("kind", ALLOWED, ids=o.Subject.Name)
@pytest.mark.parametrize("who", SUBJECTS)
def test_each_kind_of_subject_opens_its_own_methods_alone(kind: o.Subject.ValueType, who: str) -> None:
    people = kind in {o.SUBJECT_PERSON, o.SUBJECT_PERSON_OR_HUB}
    method = method_of(
        declared(subject=kind, roles=[o.ROLE_HOMEOWNER] if people else None, token_scopes=["x"] if people else None)
    )
    if who in ALLOWED[kind]:
        check_subject(method, SUBJECTS[who], NOW)
    else:
        with pytest.raises(PermissionDeniedError):
            check_subject(method, SUBJECTS[who], NOW)


@pytest.mark.parametrize(("age", "fresh"), [(300, True), (301, False), (-60, True), (-61, False)])
def test_age_of_a_login_is_measured_to_the_second(age: int, fresh: bool) -> None:  # noqa: FBT001 - a parameter of the table
    method = method_of(declared(step_up=o.StepUp(acr="otp", max_age_seconds=300)))
    who = person(auth_time=NOW - timedelta(seconds=age))
    if fresh:
        check_subject(method, who, NOW)
    else:
        with pytest.raises(StepUpRequiredError):
            check_subject(method, who, NOW)


def test_only_what_may_be_repeated_is_retried() -> None:
    safe = method_of(declared(idempotency=o.IDEMPOTENCY_READ_ONLY))
    once = method_of(declared(idempotency=o.IDEMPOTENCY_NONE))
    keyed = method_of(declared(idempotency=o.IDEMPOTENCY_REQUEST_ID, request_id=9))
    config = service_config([safe, once, keyed])
    retried = [each["service"] for each in config["methodConfig"][0]["name"]]
    assert retried == [safe.service, keyed.service]
    assert config["methodConfig"][0]["retryPolicy"]["retryableStatusCodes"] == ["UNAVAILABLE"]
    assert config["retryThrottling"]["tokenRatio"] == 0.1
    assert "methodConfig" not in service_config([once])


def test_targets_are_balanced_over_addresses_or_one_name() -> None:
    assert _target(["10.0.0.1:1", "10.0.0.2:1"]) == "ipv4:10.0.0.1:1,10.0.0.2:1"
    assert _target(["[::1]:1"]) == "ipv6:[::1]:1"
    assert _target(["fleet:1"]) == "dns:///fleet:1"
    for wrong in (["fleet:1", "fleet:2"], ["10.0.0.1:1", "[::1]:1"], []):
        with pytest.raises(ValueError, match="targets"):
            _target(wrong)
