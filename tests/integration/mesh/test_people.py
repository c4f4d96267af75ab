"""Who a call is for, through the whole chain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import pytest

from mesh import clock, errors
from mesh.call import current_call
from mesh.identity import ApiClient
from mesh.ids import TenantId, uuid7
from mesh.ratelimit import Limit, RateLimiter, RateLimits
from mesh.tokens import AccessTokens
from tests.contract.scratch.compiled import pb
from tests.integration.mesh.people import HOME, ISSUER, NOW, Idp
from tests.integration.mesh.world import World, refused, world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

ASK = pb.ReadRequest(name="a")
HUB = "0192d1c0-5f3e-7cc1-8000-0242ac120002"
AT = int(NOW.timestamp())
UNAUTHENTICATED, DENIED = grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED


class ApiTokens:
    """One token with one scope."""

    def __init__(self) -> None:
        self.scopes = frozenset({"things.write"})

    async def verify(self, token: str) -> ApiClient:
        if token != "orat_good":  # noqa: S105 - made up
            raise errors.UnauthenticatedError("no", reason="TOKEN_INVALID")
        return ApiClient(token_id="t1", tenant=TenantId(uuid7()), scopes=self.scopes)  # noqa: S106 - made up


@pytest.fixture
def idp() -> Idp:
    return Idp()


@pytest.fixture
def api_tokens() -> ApiTokens:
    return ApiTokens()


@pytest.fixture
async def w(tmp_path: Path, idp: Idp, api_tokens: ApiTokens) -> AsyncIterator[World]:
    people = AccessTokens([ISSUER, HOME], now=lambda: NOW, monotonic=clock.monotonic, fetch=idp.fetch)
    limits = RateLimits(write=Limit(per_minute=60, burst=100), sensitive=Limit(per_minute=60, burst=100))
    options: dict[str, Any] = {"now": lambda: NOW, "people": people, "api_tokens": api_tokens}
    async with world(tmp_path, config={"rate_limits": limits}, limiter=_Granting(), **options) as made:
        made.channel("gateway", now=lambda: NOW)
        made.channel("portal", now=lambda: NOW)
        made.scratch.handler = _tell
        yield made


class _Granting(RateLimiter):
    """Always grants; remembers what was asked."""

    def __init__(self) -> None:
        super().__init__(None, monotonic=clock.monotonic)
        self.asked: list[tuple[str, bool]] = []

    async def take(self, key: str, limit: Limit, *, fail_closed: bool) -> None:
        del limit
        self.asked.append((key, fail_closed))


async def _tell(request: Any, context: Any) -> Any:
    del request, context
    current_call().request_key_used = True
    return pb.Thing(name=type(current_call().subject).__name__)


def bearer(token: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {token}"),)


def create(request_id: str = "request-0001") -> Any:
    return pb.CreateRequest(title="x", request_id=request_id)


async def test_person_with_the_role_is_let_in(w: World, idp: Idp) -> None:
    answer = await w.stub("gateway").Create(create(), metadata=bearer(idp.token()))
    assert answer.name == "Principal"


async def test_call_without_credentials_is_refused(w: World) -> None:
    code, info = await refused(w.stub("gateway").Create(create()))
    assert (code, info.reason) == (UNAUTHENTICATED, "CREDENTIALS_MISSING")


@pytest.mark.parametrize("value", ["Basic eA==", "Bearer", "Bearer ", "token"])
async def test_what_is_no_bearer_token_is_refused(w: World, value: str) -> None:
    code, info = await refused(w.stub("gateway").Create(create(), metadata=(("authorization", value),)))
    assert (code, info.reason) == (UNAUTHENTICATED, "TOKEN_INVALID")


async def test_two_tokens_are_refused(w: World, idp: Idp) -> None:
    both = bearer(idp.token()) * 2
    code, info = await refused(w.stub("gateway").Create(create(), metadata=both))
    assert (code, info.reason) == (UNAUTHENTICATED, "CREDENTIALS_AMBIGUOUS")


async def test_person_without_the_role_is_refused(w: World, idp: Idp) -> None:
    code, info = await refused(w.stub("gateway").Create(create(), metadata=bearer(idp.token(role="support"))))
    assert (code, info.reason) == (DENIED, "ROLE_NOT_ALLOWED")


async def test_good_token_does_not_help_a_workload_that_is_not_named(w: World, idp: Idp) -> None:
    code, info = await refused(w.stub("portal").Create(create(), metadata=bearer(idp.token())))
    assert (code, info.reason) == (DENIED, "CALLER_NOT_ALLOWED")


async def test_api_token_needs_a_scope_of_the_method(w: World, api_tokens: ApiTokens) -> None:
    stub = w.stub("gateway")
    assert (await stub.Create(create(), metadata=bearer("orat_good"))).name == "ApiClient"
    assert (await refused(stub.Create(create(), metadata=bearer("orat_bad"))))[1].reason == "TOKEN_INVALID"
    api_tokens.scopes = frozenset({"things.read"})
    assert (await refused(stub.Create(create(), metadata=bearer("orat_good"))))[0] is DENIED
    api_tokens.scopes = frozenset({"things.write"})
    assert (await refused(stub.Release(ASK, metadata=bearer("orat_good"))))[0] is DENIED


STEP_UP: dict[str, dict[str, Any]] = {
    "too old": {"auth_time": AT - 301},
    "from the future": {"auth_time": AT + 61},
    "no auth_time": {"auth_time": None},
    "too weak": {"acr": "urn:voltex:acr:pwd"},
    "unknown acr": {"acr": "urn:other"},
    "no acr": {"acr": None},
    "other intent": {"authorization_details": [{"type": "ora_other"}]},
    "no intent": {"authorization_details": None},
}


@pytest.mark.parametrize("claims", STEP_UP.values(), ids=STEP_UP.keys())
async def test_step_up_is_asked_for(w: World, idp: Idp, claims: dict[str, Any]) -> None:
    code, info = await refused(w.stub("gateway").Release(ASK, metadata=bearer(idp.token(**claims))))
    assert (code, info.reason) == (UNAUTHENTICATED, "INSUFFICIENT_USER_AUTHENTICATION")
    wanted = {"acr_values": "urn:voltex:acr:otp", "max_age": "300", "intent": "ora_release"}
    assert wanted.items() <= dict(info.metadata).items()


async def test_fresh_and_strong_login_for_this_intent_is_let_in(w: World, idp: Idp) -> None:
    token = idp.token(auth_time=AT - 299)
    assert (await w.stub("gateway").Release(ASK, metadata=bearer(token))).name == "Principal"


async def test_role_is_asked_before_step_up(w: World, idp: Idp) -> None:
    token = idp.token(role="org_admin", auth_time=AT - 999)
    assert (await refused(w.stub("gateway").Release(ASK, metadata=bearer(token))))[1].reason == "ROLE_NOT_ALLOWED"


async def test_hub_is_known_by_the_gateways_word(w: World) -> None:
    header = f"Hash={'a' * 64};URI=urn:uuid:{HUB}"
    answer = await w.stub("gateway").Report(ASK, metadata=(("x-forwarded-client-cert", header),))
    assert answer.name == "HubIdentity"


async def test_hub_is_not_known_by_anybody_elses_word(w: World) -> None:
    metadata = (("x-forwarded-client-cert", f"URI=urn:uuid:{HUB}"),)
    code, info = await refused(w.stub("portal").Report(ASK, metadata=metadata))
    assert (code, info.reason) == (UNAUTHENTICATED, "HUB_CERTIFICATE_INVALID")


BAD_XFCC = {
    "upper case": f"URI=urn:uuid:{HUB.upper()}",
    "braces": f"URI=urn:uuid:{{{HUB}}}",
    "no hyphens": f"URI=urn:uuid:{HUB.replace('-', '')}",
    "a workload": "URI=spiffe://ora/portal",
    "two elements": f"URI=urn:uuid:{HUB},URI=urn:uuid:{HUB}",
    "two uris": f"URI=urn:uuid:{HUB};URI=urn:uuid:{HUB}",
    "quoted": f'Subject="CN=x;URI=urn:uuid:{HUB}"',
    "trailing": f"URI=urn:uuid:{HUB}x",
    "space": f"URI=urn:uuid:{HUB} ",
    "only a subject": f'Subject="CN={HUB}"',
    "nil": "URI=urn:uuid:00000000-0000-0000-0000-000000000000",
    "empty": "",
}


@pytest.mark.parametrize("header", BAD_XFCC.values(), ids=BAD_XFCC.keys())
async def test_anything_else_is_no_hub(w: World, header: str) -> None:
    metadata = (("x-forwarded-client-cert", header),)
    code, info = await refused(w.stub("gateway").Report(ASK, metadata=metadata))
    assert (code, info.reason) == (UNAUTHENTICATED, "HUB_CERTIFICATE_INVALID")


async def test_hub_and_person_at_once_are_refused(w: World, idp: Idp) -> None:
    metadata = (*bearer(idp.token()), ("x-forwarded-client-cert", f"URI=urn:uuid:{HUB}"))
    assert (await refused(w.stub("gateway").Report(ASK, metadata=metadata)))[1].reason == "CREDENTIALS_AMBIGUOUS"


async def test_hub_header_does_not_open_a_method_for_people(w: World) -> None:
    metadata = (("x-forwarded-client-cert", f"URI=urn:uuid:{HUB}"),)
    assert (await refused(w.stub("gateway").Create(create(), metadata=metadata)))[1].reason == "CREDENTIALS_MISSING"


async def test_anonymous_method_ignores_credentials(w: World) -> None:
    assert (await w.stub("gateway").Public(ASK, metadata=bearer("rubbish"))).name == "Anonymous"


async def test_sensitive_method_is_counted_by_network_and_person_and_closed(w: World, idp: Idp) -> None:
    metadata = (*bearer(idp.token()), ("x-envoy-external-address", "192.0.2.7"))
    limiter = w.server._stages[5]._limiter  # type: ignore[attr-defined]
    await w.stub("gateway").Release(ASK, metadata=metadata)
    rules = [(key.split(":")[2], closed) for key, closed in limiter.asked]
    assert rules == [("network", True), ("sensitive", True)]
    assert all("192.0.2.7" not in key for key, _ in limiter.asked)


async def test_refused_permit_says_when_to_come_back(tmp_path: Path, idp: Idp) -> None:
    people = AccessTokens([ISSUER], now=lambda: NOW, monotonic=clock.monotonic, fetch=idp.fetch)
    limits = RateLimits(expensive=Limit(per_minute=1, burst=1), write=Limit(per_minute=1, burst=1))
    async with world(tmp_path, config={"rate_limits": limits}, people=people, now=lambda: NOW) as made:
        made.scratch.handler = _tell
        made.channel("gateway", now=lambda: NOW)
        stub = made.stub("gateway")
        there = (("x-envoy-external-address", "192.0.2.7"),)
        await stub.Public(ASK, metadata=there)
        code, info = await refused(stub.Public(ASK, metadata=there))
        assert (code, info.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "RATE_LIMITED")
        await stub.Create(create(), metadata=bearer(idp.token()))
        assert (await refused(stub.Create(create(), metadata=bearer(idp.token()))))[1].reason == "RATE_LIMITED"
        await stub.Create(create(), metadata=bearer(idp.token(sub="bob")))
        # Nobody counts for a sensitive method, so it is closed.
        code, info = await refused(stub.Release(ASK, metadata=bearer(idp.token())))
        assert (code, info.reason) == (grpc.StatusCode.UNAVAILABLE, "RATE_LIMITER_UNAVAILABLE")


@pytest.mark.parametrize("request_id", ["", "short", "a" * 129, "with space", "nul\x00nul-nul", "-leading"])
async def test_request_id_must_be_one(w: World, idp: Idp, request_id: str) -> None:
    code, info = await refused(w.stub("gateway").Create(create(request_id), metadata=bearer(idp.token())))
    assert (code, info.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENT")


async def test_handler_that_keeps_no_record_of_a_request_id_fails_loudly(w: World, idp: Idp) -> None:
    async def forgets(request: Any, context: Any) -> Any:
        del request, context
        return pb.Thing()

    w.scratch.handler = forgets
    assert (await refused(w.stub("gateway").Create(create(), metadata=bearer(idp.token()))))[1].reason == "INTERNAL"
