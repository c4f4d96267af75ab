"""An issuer for tests: its key, its key set, and tokens as good or as bad as a test wants."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from joserfc import jws
from joserfc.jwk import ECKey

from mesh.settings import Issuer

if TYPE_CHECKING:
    from collections.abc import Mapping

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
ISSUER = Issuer(
    issuer="https://voltex.test",
    audience="https://api.ora.test",
    jwks_uri="https://voltex.test/jwks",
    roles=frozenset({"electrician", "org_admin"}),
    acr_levels=("urn:voltex:acr:pwd", "urn:voltex:acr:otp"),
)
HOME = Issuer(
    issuer="https://home.test",
    audience="https://api.ora.test",
    jwks_uri="https://home.test/jwks",
    roles=frozenset({"homeowner"}),
)
ORG = "0192d1c0-5f3e-7cc1-8000-0242ac120002"


def ec_key(kid: str) -> ECKey:
    """Return a P-256 key with its id."""
    return ECKey.generate_key("P-256", {"kid": kid}, private=True)


class Idp:
    """Signs, and counts how often its keys are asked for."""

    def __init__(self) -> None:
        self.key = ec_key("k1")
        self.published: list[dict[str, Any]] = [dict(self.key.as_dict(private=False))]
        self.asked = 0
        self.away = False

    async def fetch(self, uri: str) -> Mapping[str, Any]:
        """Stand in for the network."""
        del uri
        self.asked += 1
        if self.away:
            raise OSError
        return {"keys": self.published}

    def token(self, header: dict[str, Any] | None = None, key: Any = None, **claims: Any) -> str:
        """Return a good token, changed as asked; a value of None takes a claim or header out."""
        head = {"alg": "ES256", "typ": "at+jwt", "kid": "k1", **(header or {})}
        body = {**good_claims(), **claims}
        return sign(without_none(head), json.dumps(without_none(body)).encode(), key or self.key)


def good_claims() -> dict[str, Any]:
    """Return the claims of an electrician who has just signed in."""
    at = int(NOW.timestamp())
    return {
        "iss": ISSUER.issuer,
        "aud": ISSUER.audience,
        "sub": "alice",
        "exp": at + 600,
        "nbf": at,
        "iat": at,
        "role": "electrician",
        "org": ORG,
        "acr": "urn:voltex:acr:otp",
        "auth_time": at - 10,
        "authorization_details": [{"type": "ora_release", "project": "p1", "generation": 2}],
    }


def without_none(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def sign(header: dict[str, Any], payload: bytes, key: Any) -> str:
    """Sign whatever it is, with the algorithm the header says."""
    registry = jws.JWSRegistry(algorithms=["ES256", "ES384", "HS256", "RS256", "EdDSA"], strict_check_header=False)
    return jws.serialize_compact(header, payload, key, registry=registry)


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
