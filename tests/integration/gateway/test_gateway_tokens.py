from __future__ import annotations

import base64
import hmac
import json
import time
from typing import TYPE_CHECKING

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from tests.integration.gateway.api import ENVELOPE, SEND

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.gateway.conftest import World


def encode(part: dict[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def claims(world: World) -> dict[str, object]:
    payload = world.voltex.token().split(".")[1]
    parsed: dict[str, object] = json.loads(base64.urlsafe_b64decode(payload + "=="))
    return parsed


def unsigned(world: World, **header: object) -> str:
    return f"{encode({'alg': 'none', 'typ': 'at+jwt', **header})}.{encode(claims(world))}."


def signed_by(world: World, key: ECKey | RSAKey, **header: str) -> str:
    return jwt.encode({"typ": "at+jwt", **header}, claims(world), key, algorithms=[header["alg"]])


def with_public_key_as_secret(world: World) -> str:
    body = f"{encode({'alg': 'HS256', 'typ': 'at+jwt', 'kid': 'k1'})}.{encode(claims(world))}"
    mac = hmac.digest(world.voltex.keys[0].as_pem(private=False), body.encode(), "sha256")
    return f"{body}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def with_its_own_key(world: World) -> str:
    key = ECKey.generate_key("P-256")
    header = {"alg": "ES256", "typ": "at+jwt", "jwk": key.as_dict(private=False)}
    return jwt.encode(header, claims(world), key)


def now(offset: int) -> int:
    return int(time.time()) + offset


FORGED: dict[str, tuple[Callable[[World], str], str]] = {
    "expired": (lambda w: w.voltex.token(exp=now(-60)), "TOKEN_EXPIRED"),
    "long expired": (lambda w: w.voltex.token(exp=1), "TOKEN_EXPIRED"),
    "no expiry": (lambda w: w.voltex.token(drop=("exp",)), "TOKEN_INVALID"),
    "lives for years": (lambda w: w.voltex.token(exp=now(10**8)), "TOKEN_INVALID"),
    "not yet": (lambda w: w.voltex.token(nbf=now(120)), "TOKEN_INVALID"),
    "other audience": (lambda w: w.voltex.token(aud="other"), "TOKEN_AUDIENCE"),
    "no audience": (lambda w: w.voltex.token(drop=("aud",)), "TOKEN_AUDIENCE"),
    "other issuer": (lambda w: w.voltex.token(iss="https://evil.test"), "TOKEN_INVALID"),
    "no issuer": (lambda w: w.voltex.token(drop=("iss",)), "TOKEN_INVALID"),
    "other issuer's key": (lambda w: signed_by(w, w.home.keys[0], alg="ES256", kid="k1"), "TOKEN_INVALID"),
    "unknown key id": (lambda w: w.voltex.token(header={"kid": "k9"}), "TOKEN_INVALID"),
    "alg none": (unsigned, "TOKEN_INVALID"),
    "alg none, kid": (lambda w: unsigned(w, kid="k1"), "TOKEN_INVALID"),
    "alg None": (lambda w: unsigned(w, alg="None"), "TOKEN_INVALID"),
    "public key as secret": (with_public_key_as_secret, "TOKEN_INVALID"),
    "its own key": (with_its_own_key, "TOKEN_INVALID"),
    "rsa": (lambda w: signed_by(w, RSAKey.generate_key(2048), alg="RS256", kid="k1"), "TOKEN_INVALID"),
    "no signature": (lambda w: w.voltex.token().rpartition(".")[0] + ".", "TOKEN_INVALID"),
    "cut signature": (lambda w: w.voltex.token()[:-6], "TOKEN_INVALID"),
    "two parts": (lambda w: w.voltex.token().rpartition(".")[0], "TOKEN_INVALID"),
    "four parts": (lambda w: w.voltex.token() + ".x", "TOKEN_INVALID"),
    "not a token": (lambda _: "hello", "TOKEN_INVALID"),
    "empty": (lambda _: "", "CREDENTIALS_MISSING"),
}


@pytest.mark.parametrize("case", FORGED.values(), ids=FORGED)
def test_a_forged_token_opens_nothing(world: World, case: tuple[Callable[[World], str], str]) -> None:
    make, reason = case
    with world.app() as app:
        answer = app.post(SEND, json=ENVELOPE, headers={"authorization": f"Bearer {make(world)}"})
    assert (answer.status_code, answer.json()["reason"]) == (401, reason), answer.text
    assert answer.headers["www-authenticate"].startswith('Bearer realm="ora"')
    assert not world.relay.seen


@pytest.mark.parametrize("place", ["query", "cookie", "basic", "raw"])
def test_a_token_counts_in_the_authorization_header_alone(world: World, place: str) -> None:
    token = world.voltex.token()
    headers = {"cookie": {"cookie": f"access_token={token}"}, "basic": {"authorization": f"Basic {token}"}}
    raw = {"raw": {"authorization": token}}
    with world.app() as app:
        path = f"{SEND}?access_token={token}" if place == "query" else SEND
        answer = app.post(path, json=ENVELOPE, headers=(headers | raw).get(place, {}))
    assert answer.status_code == (400 if place == "query" else 401)
    assert not world.relay.seen


def test_a_token_within_the_leeway_is_taken(world: World) -> None:
    with world.app() as app:
        assert app.post(SEND, json=ENVELOPE, headers=world.bearer(exp=now(-15))).status_code == 200


ROLES = {
    "electrician": ("voltex", "electrician", 200),
    "one of many": ("voltex", ["nothing", "org_admin"], 200),
    "homeowner": ("home", "homeowner", 200),
    "not of this issuer": ("home", "electrician", 403),
    "not of that issuer": ("voltex", ["homeowner"], 403),
    "not of this method": ("voltex", "support", 403),
    "part of a name": ("voltex", "electrician2", 403),
    "other case": ("voltex", "ELECTRICIAN", 403),
    "none": ("voltex", "", 403),
    "empty list": ("voltex", [], 403),
    "number": ("voltex", 1, 403),
}


@pytest.mark.parametrize("case", ROLES.values(), ids=ROLES)
def test_a_role_counts_when_the_method_takes_it_and_the_issuer_may_give_it(
    world: World, case: tuple[str, object, int]
) -> None:
    issuer, role, status = case
    token = getattr(world, issuer).token(role=role)
    with world.app() as app:
        answer = app.post(SEND, json=ENVELOPE, headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == status
    assert len(world.relay.seen) == (status == 200)


def test_no_role_at_all_is_refused(world: World) -> None:
    token = world.voltex.token(drop=("role",))
    with world.app() as app:
        assert app.post(SEND, json=ENVELOPE, headers={"authorization": f"Bearer {token}"}).status_code == 403
