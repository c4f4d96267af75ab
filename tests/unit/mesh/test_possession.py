"""Proofs of possession: one good one, and what is wrong with others."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey

from mesh.errors import UnauthenticatedError
from mesh.possession import LIFETIME, Asked, Checks

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
URL = "https://api.ora.test/v1/projects/p:initiateHandover"
TOKEN = "a.b.c"  # noqa: S105 - none
ASKED = Asked("POST", URL + "?x=1", TOKEN)
KEY, OTHER = ECKey.generate_key("P-256"), ECKey.generate_key("P-256")
CHECKS = Checks((), now=lambda: NOW)


def ath(token: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=").decode()


def public(key: ECKey | OKPKey) -> dict[str, Any]:
    return {name: value for name, value in key.as_dict(private=False).items() if name != "kid"}


def proof(key: Any = KEY, header: dict[str, Any] | None = None, drop: str = "", **claims: Any) -> str:
    head = {"typ": "dpop+jwt", "alg": "ES256", "jwk": public(KEY), **(header or {})}
    body = {"jti": "0123456789", "htm": "POST", "htu": URL, "iat": int(NOW.timestamp()), "ath": ath(TOKEN), **claims}
    kept = [{name: value for name, value in part.items() if name != drop} for part in (head, body)]
    registry = jws.JWSRegistry(algorithms=[head["alg"]], strict_check_header=False)
    return jws.serialize_compact(kept[0], json.dumps(kept[1]), key, registry=registry)


def encode(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def unsigned(alg: str) -> str:
    _, body, _ = proof().split(".")
    return f"{encode({'typ': 'dpop+jwt', 'alg': alg, 'jwk': public(KEY)})}.{body}."


def symmetric() -> str:
    jwk = {"kty": "oct", "k": "c2VjcmV0"}
    _, body, _ = proof().split(".")
    signed = f"{encode({'typ': 'dpop+jwt', 'alg': 'HS256', 'jwk': jwk})}.{body}"
    mac = hmac.digest(b"secret", signed.encode(), "sha256")
    return f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def check(text: str, asked: Asked = ASKED, checks: Checks = CHECKS, key: ECKey | OKPKey = KEY) -> str:
    return checks.check(text, asked, key.thumbprint())


def later(seconds: float) -> int:
    return int((NOW + timedelta(seconds=seconds)).timestamp())


def test_a_proof_for_this_request_by_this_key_is_taken() -> None:
    assert check(proof()) == "0123456789"
    assert check(proof(htu="HTTPS://API.ora.test:443/v1/projects/p:initiateHandover"))


def test_an_edwards_key_does_as_well() -> None:
    key = OKPKey.generate_key("Ed25519")
    assert check(proof(key, {"alg": "Ed25519", "jwk": public(key)}), key=key)


@pytest.mark.parametrize("seconds", [-60, 0, 60])
def test_clocks_may_differ_by_a_minute(seconds: int) -> None:
    assert timedelta(seconds=60) == LIFETIME
    assert check(proof(iat=later(seconds)))


WRONG: dict[str, Callable[[], str]] = {
    "empty": lambda: "",
    "no parts": lambda: "hello",
    "two parts": lambda: proof().rpartition(".")[0],
    "too long": lambda: proof(jti="x" * 100, more="y" * 2000),
    "not ASCII": lambda: proof() + "é",
    "signature changed": lambda: proof()[:-4] + "AAAA",
    "another key signs": lambda: proof(OTHER),
    "another key": lambda: proof(OTHER, {"jwk": public(OTHER)}),
    "no key": lambda: proof(drop="jwk"),
    "private key inside": lambda: proof(header={"jwk": dict(KEY.as_dict(private=True))}),
    "key by address": lambda: proof(header={"jku": "https://evil.test"}),
    "critical": lambda: proof(header={"crit": ["b64"], "b64": False}),
    "other type": lambda: proof(header={"typ": "JWT"}),
    "no type": lambda: proof(drop="typ"),
    "alg none": lambda: unsigned("none"),
    "alg of another key": lambda: unsigned("Ed25519"),
    "symmetric": symmetric,
    "other method": lambda: proof(htm="GET"),
    "method in small letters": lambda: proof(htm="post"),
    "no method": lambda: proof(drop="htm"),
    "other path": lambda: proof(htu=URL + "x"),
    "other host": lambda: proof(htu=URL.replace("api", "evil")),
    "other port": lambda: proof(htu=URL.replace("test/", "test:8443/")),
    "plain http": lambda: proof(htu=URL.replace("https", "http")),
    "with a user": lambda: proof(htu=URL.replace("//", "//x@")),
    "no address": lambda: proof(drop="htu"),
    "address is a number": lambda: proof(htu=1),
    "other token": lambda: proof(ath=ath("x")),
    "no token": lambda: proof(drop="ath"),
    "old": lambda: proof(iat=later(-61)),
    "to come": lambda: proof(iat=later(61)),
    "no time": lambda: proof(drop="iat"),
    "time is text": lambda: proof(iat=str(later(0))),
    "time is true": lambda: proof(iat=True),
    "time without end": lambda: proof(iat=1e300),
    "no id": lambda: proof(drop="jti"),
    "short id": lambda: proof(jti="1"),
    "long id": lambda: proof(jti="1" * 129),
    "id is a number": lambda: proof(jti=12345678),
}


@pytest.mark.parametrize("make", WRONG.values(), ids=WRONG)
def test_a_proof_with_anything_wrong_is_refused(make: Callable[[], str]) -> None:
    with pytest.raises(UnauthenticatedError) as refused:
        check(make())
    assert refused.value.reason == "PROOF_INVALID"


def test_where_the_origin_is_known_no_other_is_taken() -> None:
    there = Checks(("https://api.ora.test",), now=lambda: NOW)
    assert check(proof(), checks=there)
    elsewhere = URL.replace("api", "evil")
    with pytest.raises(UnauthenticatedError):
        check(proof(htu=elsewhere), Asked("POST", elsewhere, TOKEN), there)


def test_a_repr_has_no_token() -> None:
    assert TOKEN not in repr(ASKED)
