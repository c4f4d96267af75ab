"""Refusals that need no body are given when it was read: no client of HTTP/2 loses one to a reset of its stream."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from gateway.values import Bucket, Limits
from tests.integration.gateway.api import HUB, JSON, SEND
from tests.integration.gateway.running import await_true
from tests.integration.gateway.test_gateway_resilience import own_world

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.gateway.conftest import World
    from tests.integration.gateway.running import Running

# Small ones are whole before an answer; 900 kB fill more than curl writes at once.
SIZES = (0, 2, 20_000, 200_000, 900_000)
# At its worst, one in four of these was lost before; each is sent this often on each size.
AGAIN = 3
# Kind: address, verb, who, other headers, status, reason.
KINDS: dict[str, tuple[str, str, str, dict[str, str], int, str]] = {
    "no token": (SEND, "POST", "", JSON, 401, "CREDENTIALS_MISSING"),
    "bad token": (SEND, "POST", "nonsense", JSON, 401, "TOKEN_INVALID"),
    "other role": (SEND, "POST", "support", JSON, 403, "ROLE_NOT_ALLOWED"),
    "no address": (f"/v1/hubs/{HUB}/nothing", "POST", "electrician", JSON, 404, "ROUTE_NOT_FOUND"),
    "other method": (SEND, "PUT", "electrician", JSON, 405, "METHOD_NOT_ALLOWED"),
    "other media type": (SEND, "POST", "electrician", {"content-type": "text/plain"}, 415, "MEDIA_TYPE_NOT_SUPPORTED"),
    "native gRPC": (SEND, "POST", "electrician", {"content-type": "application/grpc"}, 415, "MEDIA_TYPE_NOT_SUPPORTED"),
    "coded": (SEND, "POST", "electrician", JSON | {"content-encoding": "gzip"}, 415, "MEDIA_TYPE_NOT_SUPPORTED"),
}


def headers(world: World, who: str, more: dict[str, str]) -> dict[str, str]:
    match who:
        case "":
            return more
        case "nonsense":
            return more | {"authorization": "Bearer a.b.c"}
        case _:
            return more | world.bearer(role=who)


def curl(gateway: Running, folder: Path, address: str, verb: str, told: dict[str, str], size: int) -> tuple[int, str]:
    body = folder / "body"
    body.write_bytes(b" " * size)
    trust = str(gateway.values.certificates / "edge-ca.pem")
    command = ["curl", "-sS", "--http2", "--noproxy", "*", "--cacert", trust, "--max-time", "20", "-X", verb]
    command += [f"-H{name}: {value}" for name, value in told.items()]
    command += ["--write-out", "\n%{http_code} %{http_version}", "--data-binary", f"@{body}"]
    done = subprocess.run([*command, gateway.app + address], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    document, _, seen = done.stdout.rpartition("\n")
    status, version = seen.split()
    assert version == "2"
    return int(status), document


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("client", ["httpx", pytest.param("curl", marks=pytest.mark.debian("curl"))])
def test_a_refusal_arrives(world: World, tmp_path: Path, client: str, kind: str) -> None:
    address, verb, who, more, status, reason = KINDS[kind]
    told = headers(world, who, more)
    with world.app() as app:
        for size in SIZES * AGAIN:
            if client == "curl":
                seen, document = curl(world.gateway, tmp_path, address, verb, told, size)
            else:
                answer = app.request(verb, address, content=b" " * size, headers=told)
                assert answer.http_version == "HTTP/2"
                seen, document = answer.status_code, answer.text
            assert (seen, json.loads(document)["reason"]) == (status, reason), size
    assert not world.relay.seen


@pytest.mark.parametrize("client", ["httpx", pytest.param("curl", marks=pytest.mark.debian("curl"))])
def test_who_calls_too_often_reads_so(tmp_path: Path, client: str) -> None:
    small = Limits(write=Bucket(per_second=1, burst=1))
    with own_world(tmp_path, small) as (world, _), world.app() as app:
        seen = []
        for size in (0, 2, 20_000, 90_000) * AGAIN:
            told = world.bearer() | JSON
            if client == "curl":
                status, document = curl(world.gateway, tmp_path, SEND, "POST", told, size)
            else:
                answer = app.post(SEND, content=b" " * size, headers=told)
                status, document = answer.status_code, answer.text
            seen.append((status, json.loads(document)["reason"]))
    # One a second passes.
    assert all(status != 429 or reason == "RATE_LIMITED" for status, reason in seen)
    assert (429, "RATE_LIMITED") in seen


def test_nobody_says_by_a_header_that_he_was_refused_or_is_over_a_limit(world: World) -> None:
    notes = {"x-ora-refused": "limited", "x-ora-over-limit": "yes", "x-ora-asked": "anything"}
    with world.app() as app:
        answer = app.post(SEND, json={}, headers=world.bearer() | notes)
    assert answer.status_code == 200


def test_a_refusal_is_logged_with_the_route_that_was_asked_for(world: World) -> None:
    with world.app() as app:
        identifier = app.post(SEND, json={}, headers=JSON).headers["x-request-id"]
    lines: list[str] = []

    def logged() -> bool:
        lines[:] = [line for line in world.gateway.log.splitlines() if identifier in line]
        return bool(lines)

    await_true(logged)
    assert json.loads(lines[0])["asked"] == "ora.relay.v1.RelayService.Send"
