"""Every method by every role and every kind of token, from the contract: at the gateway, and at the mesh alone."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import httpx
import pytest

from gateway.contract import Door, Method
from tests.integration.gateway import everything, matrix
from tests.integration.gateway.api import HUB
from tests.integration.gateway.matrix import PASSED
from tests.integration.gateway.test_gateway_early_refusals import curl

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import grpc

# What is wrong with a token; what the gateway says, and what the mesh says that trusts no gateway.
WRONG = {
    "none": ("CREDENTIALS_MISSING", "CREDENTIALS_MISSING"),
    "expired": ("TOKEN_EXPIRED", "TOKEN_INVALID"),
    "wrong audience": ("TOKEN_AUDIENCE", "TOKEN_INVALID"),
    "wrong issuer": ("TOKEN_INVALID", "TOKEN_INVALID"),
    "alg none": ("TOKEN_INVALID", "TOKEN_INVALID"),
    "unknown key": ("TOKEN_INVALID", "TOKEN_INVALID"),
    "known key id, other key": ("TOKEN_INVALID", "TOKEN_INVALID"),
    "id token": ("TOKEN_INVALID", "TOKEN_INVALID"),
    "role of another issuer": ("ROLE_NOT_ALLOWED", "ROLE_NOT_ALLOWED"),
    "no role": ("ROLE_NOT_ALLOWED", "ROLE_NOT_ALLOWED"),
}


# Of bytes at an address that takes none, the media type is looked at first.
NOT_HERE = {"ROUTE_NOT_FOUND", "METHOD_NOT_ALLOWED", "MEDIA_TYPE_NOT_SUPPORTED"}
# What is missing of a step-up.
WEAK: dict[str, Callable[[int, str], dict[str, object]]] = {
    "no acr": lambda _now, _intent: {"acr": None},
    "weak acr": lambda _now, _intent: {"acr": matrix.ACR[0]},
    "unknown acr": lambda _now, _intent: {"acr": "urn:voltex:acr:strongest"},
    "old login": lambda now, _intent: {"auth_time": now - 360},
    "no time of login": lambda _now, _intent: {"auth_time": None},
    "login to come": lambda now, _intent: {"auth_time": now + 3600},
    "no intent": lambda _now, _intent: {"authorization_details": []},
    "another intent": lambda _now, intent: {"authorization_details": [{"type": f"{intent}_"}]},
}


def name(method: Method) -> str:
    return method.full_name.removeprefix("ora.")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[matrix.World]:
    with matrix.world(tmp_path_factory.mktemp("matrix")) as running:
        yield running


@pytest.fixture(scope="module")
def app(world: matrix.World) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=world.gateway.app, verify=world.tls(), timeout=20) as client:
        yield client


@pytest.fixture(scope="module")
def hub(world: matrix.World) -> Iterator[httpx.Client]:
    certificate = world.pki.hub(world.pki.folder / "a-hub", f"urn:uuid:{HUB}")
    with httpx.Client(base_url=world.gateway.hub, verify=world.tls(certificate), timeout=20) as client:
        yield client


@pytest.fixture(scope="module")
def backup(world: matrix.World) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=world.gateway.backup, verify=world.tls(), timeout=20) as client:
        yield client


@pytest.fixture(scope="module")
def inside(world: matrix.World) -> Iterator[dict[str, grpc.Channel]]:
    made = {
        workload: everything.channel(world.pki.folder, workload, port)
        for workload, port in world.services.ports.items()
    }
    yield made
    for each in made.values():
        each.close()


def test_the_table_has_every_method_of_the_contract() -> None:
    kinds = [matrix.PEOPLE, matrix.ANYBODY, matrix.HUBS]
    assert {m.full_name for kind in kinds for m in kind} == {m.full_name for m in matrix.CONTRACT.methods}
    assert len(matrix.CONTRACT.methods) > 100
    assert matrix.STEP_UP


@pytest.mark.parametrize("method", matrix.PEOPLE, ids=name)
def test_a_person_passes_by_role(
    world: matrix.World, app: httpx.Client, inside: dict[str, grpc.Channel], method: Method
) -> None:
    for role in matrix.ROLES:
        token = world.token(role, method)
        expected = PASSED if matrix.allowed(method, role) else "ROLE_NOT_ALLOWED"
        assert matrix.ask(world, app, method, token) == expected, role
        bearer = {"authorization": f"Bearer {token}"}
        assert matrix.ask_mesh(inside[method.workload], method, bearer) == expected, role


@pytest.mark.parametrize("method", matrix.PEOPLE, ids=name)
def test_a_token_that_is_wrong_passes_nowhere(
    world: matrix.World, app: httpx.Client, inside: dict[str, grpc.Channel], method: Method
) -> None:
    found = {}
    for kind in WRONG:
        token = world.wrong(kind, method)
        bearer = {"authorization": f"Bearer {token}"} if token else {}
        found[kind] = (
            matrix.ask(world, app, method, token),
            matrix.ask_mesh(inside[method.workload], method, bearer),
        )
    assert found == WRONG


@pytest.mark.parametrize("method", matrix.STEP_UP, ids=name)
def test_a_step_up_that_lacks_anything_is_asked_for_again(
    world: matrix.World, app: httpx.Client, inside: dict[str, grpc.Channel], method: Method
) -> None:
    role = next(each for each in matrix.ROLES if matrix.allowed(method, each))
    for kind, lack in WEAK.items():
        token = world.token(role, method, **lack(int(time.time()), method.policy.step_up.intent))
        assert matrix.ask(world, app, method, token) == "INSUFFICIENT_USER_AUTHENTICATION", kind
        bearer = {"authorization": f"Bearer {token}"}
        verdict = matrix.ask_mesh(inside[method.workload], method, bearer)
        assert verdict == "INSUFFICIENT_USER_AUTHENTICATION", kind


@pytest.mark.parametrize("method", matrix.PEOPLE, ids=name)
def test_an_api_token_passes_by_scope(world: matrix.World, app: httpx.Client, method: Method) -> None:
    for scope in matrix.SCOPES:
        verdict = matrix.ask(world, app, method, world.services.api_tokens.token(scope))
        if not method.policy.token_scopes:
            assert verdict == "TOKEN_INVALID"  # it is no JWT
        else:
            assert verdict == (PASSED if scope in method.policy.token_scopes else "ROLE_NOT_ALLOWED"), scope


@pytest.mark.parametrize("method", matrix.ANYBODY, ids=name)
def test_what_is_for_anybody_asks_for_nothing(
    world: matrix.World, app: httpx.Client, backup: httpx.Client, method: Method
) -> None:
    client = app if Door.APP in method.doors else backup
    for token in ("", "hello", world.voltex.token(exp=1)):
        assert matrix.ask(world, client, method, token) == PASSED


@pytest.mark.parametrize("method", matrix.HUBS, ids=name)
def test_a_hub_passes_by_its_certificate(
    world: matrix.World, app: httpx.Client, hub: httpx.Client, inside: dict[str, grpc.Channel], method: Method
) -> None:
    for token in ("", "hello", world.voltex.token()):
        assert matrix.ask(world, hub, method, token) == PASSED
    forged = {"x-forwarded-client-cert": f"URI=urn:uuid:{HUB.upper()}"}
    assert matrix.ask_mesh(inside[method.workload], method, forged) == "HUB_CERTIFICATE_INVALID"
    if Door.APP not in method.doors:
        refused = matrix.ask(world, app, method, world.voltex.token())
        assert refused in NOT_HERE


@pytest.mark.parametrize("method", matrix.CONTRACT.methods, ids=name)
def test_a_method_is_served_at_its_doors_alone(
    world: matrix.World, app: httpx.Client, hub: httpx.Client, backup: httpx.Client, method: Method
) -> None:
    for door, client in ((Door.APP, app), (Door.HUB, hub), (Door.BACKUP, backup)):
        if door not in method.doors:
            refused = matrix.ask(world, client, method, "")
            assert refused in NOT_HERE, door


@pytest.mark.parametrize("method", matrix.CONTRACT.methods, ids=name)
def test_another_workload_may_not_speak_for_a_person_or_a_hub(world: matrix.World, method: Method) -> None:
    port = world.services.ports[method.workload]
    with everything.channel(world.pki.folder, method.workload, port, caller="operator") as stranger:
        verdict = matrix.ask_mesh(stranger, method, {"x-forwarded-client-cert": f"URI=urn:uuid:{HUB}"})
    assert verdict == (PASSED if "operator" in method.policy.callers else "CALLER_NOT_ALLOWED")


@pytest.mark.parametrize(
    "method", [each for each in matrix.CONTRACT.methods if each.streams_in and Door.APP in each.doors]
)
@pytest.mark.debian("curl")
def test_an_upload_of_nobody_is_read_before_it_is_refused(world: matrix.World, tmp_path: Path, method: Method) -> None:
    address = matrix.address(method, method.bindings[0])
    for size in (2, 200_000, 2_000_000):
        status, document = curl(world.gateway, tmp_path, address, method.bindings[0].verb, {}, size)
        assert (status, json.loads(document)["reason"]) == (401, "CREDENTIALS_MISSING")
