"""Tokens that are bound to a key (RFC 9449): a thief of one needs the key too, for each request anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import httpx
import pytest

from devstack.identity.holder import Holder
from tests.integration.gateway import matrix
from tests.integration.gateway.api import JSON

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gateway.contract import Method

METHODS = {method.full_name.removeprefix("ora."): method for method in matrix.CONTRACT.methods}
READ = METHODS["portal.v1.ProjectService.ListProjects"]
STEP_UP = METHODS["portal.v1.HandoverService.InitiateHandover"]


class Answer(NamedTuple):
    status: int
    reason: str
    challenge: str


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[matrix.World]:
    with matrix.world(tmp_path_factory.mktemp("possession"), bound=True) as running:
        yield running


@pytest.fixture(params=[False, True], ids=["HTTP/1.1", "HTTP/2"])
def app(world: matrix.World, request: pytest.FixtureRequest) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=world.gateway.app, verify=world.tls(), timeout=20, http2=request.param) as client:
        yield client


def token(world: matrix.World, method: Method, holder: Holder | None) -> str:
    return world.token("electrician", method, **({"cnf": {"jkt": holder.thumbprint}} if holder else {}))


def url(client: httpx.Client, method: Method) -> str:
    return str(client.base_url).rstrip("/") + matrix.address(method, method.bindings[0])


def ask(client: httpx.Client, method: Method, headers: dict[str, str], query: str = "") -> Answer:
    verb, body = method.bindings[0].verb, b"{}" if method.bindings[0].body else b""
    answer = client.request(verb, url(client, method) + query, headers=headers | (JSON if body else {}), content=body)
    reason = "" if answer.status_code == 200 else answer.json()["reason"]
    passed = reason in {"", "INVALID_ARGUMENT"}
    return Answer(answer.status_code, matrix.PASSED if passed else reason, answer.headers.get("www-authenticate", ""))


@pytest.mark.parametrize("method", [READ, STEP_UP], ids=["read", "step-up"])
def test_who_shows_the_key_passes(world: matrix.World, app: httpx.Client, method: Method) -> None:
    holder = Holder()
    bound = token(world, method, holder)
    for _ in range(3):
        headers = holder.headers(method.bindings[0].verb, url(app, method), bound)
        assert ask(app, method, headers).reason == matrix.PASSED


def test_a_query_is_no_part_of_the_address_in_a_proof(world: matrix.World, app: httpx.Client) -> None:
    holder = Holder()
    headers = holder.headers("GET", url(app, READ), token(world, READ, holder))
    assert ask(app, READ, headers, "?pageSize=3").reason == matrix.PASSED


WRONG: dict[str, Callable[[Holder, str, str, str], dict[str, str]]] = {
    "no proof": lambda _holder, _verb, _url, bound: {"authorization": f"DPoP {bound}"},
    "empty proof": lambda _holder, _verb, _url, bound: {"authorization": f"DPoP {bound}", "dpop": ""},
    "other method": lambda holder, _verb, url, bound: holder.headers("PUT", url, bound),
    "other address": lambda holder, verb, url, bound: holder.headers(verb, url + "x", bound),
    "other host": lambda holder, verb, url, bound: holder.headers(verb, url.replace("127.0.0.1", "evil"), bound),
    "other key": lambda _holder, verb, url, bound: Holder().headers(verb, url, bound),
    "other token": lambda holder, verb, url, bound: holder.headers(verb, url, "x") | {"authorization": f"DPoP {bound}"},
    "an address that the caller says it asked for": lambda holder, verb, url, bound: (
        holder.headers(verb, url + "x", bound) | {"x-ora-http-url": url + "x", "x-envoy-original-path": "/x"}
    ),
}


@pytest.mark.parametrize("method", [READ, STEP_UP], ids=["read", "step-up"])
@pytest.mark.parametrize("make", WRONG.values(), ids=WRONG)
def test_who_does_not_show_the_key_is_refused(
    world: matrix.World,
    app: httpx.Client,
    method: Method,
    make: Callable[[Holder, str, str, str], dict[str, str]],
) -> None:
    holder = Holder()
    headers = make(holder, method.bindings[0].verb, url(app, method), token(world, method, holder))
    answer = ask(app, method, headers)
    assert (answer.status, answer.reason) == (401, "PROOF_INVALID")
    assert answer.challenge == 'DPoP realm="ora", algs="ES256 Ed25519", error="invalid_dpop_proof"'


def test_a_proof_is_good_once(world: matrix.World, app: httpx.Client) -> None:
    holder = Holder()
    headers = holder.headers("GET", url(app, READ), token(world, READ, holder))
    assert ask(app, READ, headers).reason == matrix.PASSED
    assert ask(app, READ, headers).reason == "PROOF_INVALID"


def test_a_token_is_shown_as_the_issuer_gave_it(world: matrix.World, app: httpx.Client) -> None:
    holder = Holder()
    bound, loose = token(world, READ, holder), token(world, READ, None)
    assert ask(app, READ, {"authorization": f"Bearer {bound}"}).reason == "TOKEN_INVALID"
    assert ask(app, READ, holder.headers("GET", url(app, READ), loose)).reason == "TOKEN_INVALID"
    assert ask(app, READ, {"authorization": f"Bearer {loose}"}).reason == matrix.PASSED


@pytest.mark.parametrize("binding", [{}, {"jkt": 1}, {"jkt": "short"}, {"x5t#S256": "x" * 43}, "text", []], ids=repr)
def test_a_binding_that_we_cannot_check_is_not_passed_over(
    world: matrix.World, app: httpx.Client, binding: object
) -> None:
    odd = world.token("electrician", READ, cnf=binding)
    assert ask(app, READ, {"authorization": f"Bearer {odd}"}).reason == "TOKEN_INVALID"


@pytest.mark.parametrize("method", matrix.STEP_UP, ids=lambda method: method.full_name)
def test_a_step_up_without_a_bound_token_is_refused_where_the_issuer_binds(
    world: matrix.World, app: httpx.Client, method: Method
) -> None:
    role = next(each for each in matrix.ROLES if matrix.allowed(method, each))
    answer = ask(app, method, {"authorization": f"Bearer {world.token(role, method)}"})
    assert (answer.status, answer.reason) == (401, "TOKEN_NOT_BOUND")
    assert answer.challenge == 'DPoP realm="ora", algs="ES256 Ed25519", error="invalid_token"'
