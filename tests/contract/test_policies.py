"""Every RPC carries rules that can be meant, and an RPC without them is found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from google.api import annotations_pb2
from ora.options.v1 import options_pb2

from tests.contract import rules
from tests.contract.image import methods

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.contract.image import Files, Method, Tree

SUSPEND = "ora.fleet.v1.HubService.SuspendHub"
SEND = "ora.relay.v1.RelayService.Send"
CREATE = "ora.fleet.v1.HubService.CreateHub"
APPROVE = "ora.fleet.v1.FirmwareRolloutService.ApproveRollout"


def method(files: Files, name: str) -> Method:
    return dict(methods(files))[name]


def policy(files: Files, name: str) -> options_pb2.MethodPolicy:
    return method(files, name).options.Extensions[options_pb2.policy]


def found(files: Files, name: str) -> list[str]:
    """Return what is wrong with one RPC."""
    return [problem for problem in rules.policies(files) if problem.startswith(f"{name}: ")]


def test_every_rpc_has_a_policy_that_can_be_meant(files: Files) -> None:
    assert rules.policies(files) == []
    assert len(list(methods(files))) > 90


def test_a_removed_policy_is_found(scratch: Callable[[], Tree]) -> None:
    copy = scratch()
    path = copy.path("ora/fleet/v1/hub_service.proto")
    head, rpc, tail = path.read_text().partition("  rpc SuspendHub(")
    begin, end = tail.index("    option (ora.options.v1.policy)"), tail.index("    };\n") + len("    };\n")
    path.write_text(head + rpc + tail[:begin] + tail[end:])
    assert found(copy.compile(), SUSPEND) == [f"{SUSPEND}: has no policy"]


@pytest.mark.parametrize("name", [SUSPEND, SEND, APPROVE])
def test_each_cleared_policy_is_found(files: Files, name: str) -> None:
    method(files, name).options.ClearExtension(options_pb2.policy)
    assert found(files, name) == [f"{name}: has no policy"]


@pytest.mark.parametrize(
    ("name", "field", "problem"),
    [
        (SUSPEND, "callers", "names no callers"),
        (SUSPEND, "subject", "names no subject"),
        (SUSPEND, "rate_class", "names no rate class"),
        (SUSPEND, "deadline_ms", "a unary method needs a deadline"),
        (SUSPEND, "idempotency", "names no idempotency"),
        (SUSPEND, "audit", "names no audit class"),
        (SEND, "roles", "roles belong to people, and people need them"),
    ],
)
def test_an_absent_part_of_a_policy_is_found(files: Files, name: str, field: str, problem: str) -> None:
    policy(files, name).ClearField(field)  # type: ignore[arg-type]
    assert found(files, name) == [f"{name}: {problem}"]


def test_an_unknown_workload_is_found(files: Files) -> None:
    policy(files, SUSPEND).callers.append("operators")
    assert found(files, SUSPEND) == [f"{SUSPEND}: names workloads that do not exist: ['operators']"]


def test_the_gateway_without_a_subject_of_its_own_is_found(files: Files) -> None:
    policy(files, SUSPEND).callers.append("gateway")
    assert f"{SUSPEND}: the gateway never calls on its own account" in found(files, SUSPEND)
    assert f"{SUSPEND}: an HTTP rule and the caller gateway come together" in found(files, SUSPEND)


def test_a_removed_http_rule_is_found(files: Files) -> None:
    method(files, SEND).options.ClearExtension(annotations_pb2.http)
    assert found(files, SEND) == [f"{SEND}: an HTTP rule and the caller gateway come together"]


def test_idempotency_by_an_absent_request_id_is_found(files: Files) -> None:
    policy(files, SUSPEND).idempotency = options_pb2.IDEMPOTENCY_REQUEST_ID
    assert found(files, SUSPEND) == [f"{SUSPEND}: has no request_id to be idempotent by"]


def test_an_unused_request_id_is_found(files: Files) -> None:
    policy(files, CREATE).idempotency = options_pb2.IDEMPOTENCY_NATURAL
    assert found(files, CREATE) == [f"{CREATE}: carries a request_id that its policy does not use"]


def test_a_step_up_without_intent_is_found(files: Files) -> None:
    policy(files, APPROVE).step_up.intent = ""
    assert found(files, APPROVE) == [f"{APPROVE}: a step-up says how strong, how fresh and what for"]


def test_every_rpc_says_who_may_call(tree: Tree) -> None:
    compiled = tree.compile(comments=True)
    assert rules.undocumented(compiled) == []
    for file in compiled.file:
        file.ClearField("source_code_info")
    assert len(rules.undocumented(compiled)) == len(list(methods(compiled)))
