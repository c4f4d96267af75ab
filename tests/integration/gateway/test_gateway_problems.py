from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest
from google.protobuf import duration_pb2
from google.rpc import error_details_pb2

from gateway import problems
from tests.integration.gateway import services
from tests.integration.gateway.api import ENVELOPE, JSON, RECEIVE, SEND, SSE

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from tests.integration.gateway.conftest import World

SECURITY = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "strict-transport-security": "max-age=63072000; includeSubDomains",
}


def check(answer: httpx.Response, status: int, reason: str) -> dict[str, object]:
    """Assert what every problem document has, and return it."""
    document: dict[str, object] = answer.json()
    assert (answer.status_code, document["reason"]) == (status, reason), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert document["status"] == status
    assert document["title"] == reason
    assert document["type"] == f"https://docs.ora.test/problems/{reason.lower()}"
    assert document["detail"]
    assert answer.headers["x-ora-reason"] == reason
    for name, value in SECURITY.items():
        assert answer.headers.get_list(name) == [value]
    assert not {"server", "x-envoy-upstream-service-time", "grpc-status", "grpc-message"} & set(answer.headers)
    for word in ("envoy", "grpc", "python", "proto", "upstream", "traceback"):
        assert word not in answer.text.lower()
    return document


def failing(world: World, code: int, message: str, *details: Message) -> httpx.Response:
    world.relay.fail = services.status(code, message, *details)
    with world.app() as app:
        return app.post(SEND, json=ENVELOPE, headers=world.bearer())


@pytest.mark.parametrize("code", problems.CODES, ids=lambda code: code.name)
def test_every_code_has_its_status_and_the_reason_of_the_service(world: World, code: problems.Code) -> None:
    info = services.info("AS_IT_IS", a_b="c")
    document = check(failing(world, code.number, "As it is.", info), code.status, "AS_IT_IS")
    assert document["code"] == code.name
    assert document["detail"] == "As it is."
    assert document["metadata"] == {"aB": "c"}


@pytest.mark.parametrize("code", problems.CODES, ids=lambda code: code.name)
def test_the_text_of_a_status_without_error_info_is_kept_inside(world: World, code: problems.Code) -> None:
    document = check(failing(world, code.number, "SELECT 1 in /srv/x.py of grpc"), code.status, code.name)
    assert document["detail"] == code.detail


def test_wrong_fields_are_listed(world: World) -> None:
    violation = error_details_pb2.BadRequest.FieldViolation(field="hub", description='too "long"\n', reason="LEN")
    answer = failing(
        world,
        3,
        "no",
        services.info("INVALID_ARGUMENT"),
        error_details_pb2.BadRequest(field_violations=[violation] * 2),
    )
    document = check(answer, 400, "INVALID_ARGUMENT")
    assert document["errors"] == [{"field": "hub", "detail": 'too "long"\n', "reason": "LEN"}] * 2


def test_a_time_to_come_back_is_told_in_whole_seconds(world: World) -> None:
    retry = error_details_pb2.RetryInfo(retry_delay=duration_pb2.Duration(seconds=1, nanos=500_000_000))
    answer = failing(world, 8, "slow", services.info("RATE_LIMITED"), retry)
    assert check(answer, 429, "RATE_LIMITED")["retryAfterSeconds"] == 2
    assert answer.headers["retry-after"] == "2"


def test_a_step_up_is_asked_for_as_rfc_9470_says(world: World) -> None:
    info = services.info(
        "INSUFFICIENT_USER_AUTHENTICATION", acr_values="urn:voltex:acr:otp", max_age="300", intent="ora_x"
    )
    answer = failing(world, 16, "Sign in again.", info)
    check(answer, 401, "INSUFFICIENT_USER_AUTHENTICATION")
    challenge = answer.headers["www-authenticate"]
    assert challenge.startswith('Bearer realm="ora", error="insufficient_user_authentication"')
    assert 'acr_values="urn:voltex:acr:otp"' in challenge
    assert 'max_age="300"' in challenge


def test_a_challenge_cannot_be_broken_out_of(world: World) -> None:
    info = services.info("INSUFFICIENT_USER_AUTHENTICATION", acr_values='x", error="y\r\nset-cookie: a', max_age="300")
    answer = failing(world, 16, "Sign in again.", info)
    assert "acr_values" not in answer.headers["www-authenticate"]
    assert "set-cookie" not in answer.headers


def test_another_401_asks_for_a_token(world: World) -> None:
    answer = failing(world, 16, "Who?", services.info("TOKEN_REVOKED"))
    check(answer, 401, "TOKEN_REVOKED")
    assert answer.headers["www-authenticate"] == 'Bearer realm="ora", error="invalid_token"'


@pytest.mark.parametrize(
    "text",
    ['"},"reason":"FORGED', "\\", "\x01\x1f\t", "ünïcode ✓ 🏠", "%s%d {} </script>", "x" * 4000, ""],
    ids=["json", "backslash", "control", "unicode", "format", "long", "empty"],
)
def test_any_text_of_a_service_arrives_as_it_is(world: World, text: str) -> None:
    answer = failing(world, 9, text, services.info("STATE_CONFLICT", note=text))
    document = answer.json()
    assert document["reason"] == "STATE_CONFLICT"
    assert document["detail"] == text
    assert document["metadata"] == {"note": text}


def test_a_trace_id_is_a_member_of_its_own(world: World) -> None:
    document = check(failing(world, 13, "internal", services.info("INTERNAL", trace_id="ab12")), 500, "INTERNAL")
    assert document["traceId"] == "ab12"
    assert "metadata" not in document


@pytest.mark.parametrize("accept", [SSE, {}], ids=["events", "lines"])
def test_a_stream_that_never_began_is_a_problem_too(world: World, accept: dict[str, str]) -> None:
    world.relay.fail = services.status(7, "No.", services.info("PEER_UNKNOWN"))
    with world.app() as app:
        check(app.get(RECEIVE, headers=world.bearer() | accept), 403, "PEER_UNKNOWN")


LOCAL = {
    "no address": ("GET", "/nope", {}, b"", 404, "ROUTE_NOT_FOUND"),
    "no verb": ("POST", f"{SEND}:steal", {}, b"", 404, "ROUTE_NOT_FOUND"),
    "method": ("DELETE", SEND, {}, b"", 405, "METHOD_NOT_ALLOWED"),
    "head": ("HEAD", SEND, {}, b"", 405, "METHOD_NOT_ALLOWED"),
    "no token": ("POST", SEND, {"authorization": ""}, b"", 401, "CREDENTIALS_MISSING"),
    "xml": ("POST", SEND, {"content-type": "text/xml"}, b"<x/>", 415, "MEDIA_TYPE_NOT_SUPPORTED"),
    "native grpc": ("POST", SEND, {"content-type": "application/grpc"}, b"", 415, "MEDIA_TYPE_NOT_SUPPORTED"),
    "gzip": ("POST", SEND, {"content-encoding": "gzip"}, b"x", 415, "MEDIA_TYPE_NOT_SUPPORTED"),
    "bad json": ("POST", SEND, JSON, b"{", 400, "BODY_INVALID"),
    "bad type": ("POST", SEND, JSON, b'{"sealed": {}}', 400, "BODY_INVALID"),
    "deep json": ("POST", SEND, JSON, b'{"x":' * 2000, 400, "BODY_INVALID"),
    "bad utf-8": ("POST", SEND, JSON, b'{"sealed":"\xff"}', 400, "BODY_INVALID"),
    "unknown query": ("POST", f"{SEND}?x=1", JSON, b"{}", 400, "QUERY_INVALID"),
    "unfit query": ("GET", f"{SEND}:receive?peerId=%25", {}, b"", 400, "QUERY_INVALID"),
    "query for a body field": ("POST", f"{SEND}?envelope.sealed=AAAA", JSON, b"{}", 400, "QUERY_INVALID"),
    "query in disguise": ("GET", f"{RECEIVE}&%68ub=hubs/x", {}, b"", 400, "QUERY_INVALID"),
    "query of no value": ("GET", f"{RECEIVE}&hub", {}, b"", 400, "QUERY_INVALID"),
    "query for a path field": ("GET", f"{RECEIVE}&hub=hubs/x", {}, b"", 400, "QUERY_INVALID"),
    "large body": ("POST", SEND, JSON, b" " * 150_000, 413, "BODY_TOO_LARGE"),
    "body of a GET": ("GET", RECEIVE, {}, b" " * 2000, 413, "BODY_TOO_LARGE"),
    "escaped slash": ("GET", "/v1/hubs%2Fx/records", {}, b"", 400, "MALFORMED_REQUEST"),
    "underscore": ("POST", SEND, {"x_y": "1"}, b"", 400, "MALFORMED_REQUEST"),
    "large headers": ("POST", SEND, {"x-large": "x" * 40_000}, b"", 431, "HEADERS_TOO_LARGE"),
    "many headers": ("POST", SEND, {f"x-{n}": "1" for n in range(80)}, b"", 431, "HEADERS_TOO_LARGE"),
}


@pytest.mark.parametrize("case", LOCAL.values(), ids=LOCAL)
def test_what_the_gateway_itself_refuses_is_a_problem_with_a_reason(
    world: World, case: tuple[str, str, dict[str, str], bytes, int, str]
) -> None:
    method, path, headers, body, status, reason = case
    with httpx.Client(base_url=world.gateway.app, verify=world.tls()) as app:
        answer = app.request(method, path, headers=world.bearer() | headers, content=body)
    assert not world.relay.seen
    if method == "HEAD":
        assert (answer.status_code, answer.headers["x-ora-reason"]) == (status, reason)
        return
    document = check(answer, status, reason)
    if status == 405:
        assert answer.headers["allow"] == "POST"
    if reason not in {"MALFORMED_REQUEST", "HEADERS_TOO_LARGE"}:
        assert document["requestId"] == answer.headers["x-request-id"]


def test_an_unread_success_is_not_touched(world: World) -> None:
    with world.app() as app:
        answer = app.post(SEND, json=ENVELOPE, headers=world.bearer())
    assert answer.headers["content-type"] == "application/json"
    for name, value in SECURITY.items():
        assert answer.headers.get_list(name) == [value]
    assert "x-ora-reason" not in answer.headers
    assert "server" not in answer.headers
