from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.jwk import ECKey, OctKey, RSAKey
from ora.options.v1 import options_pb2 as options

from mesh.errors import UnauthenticatedError, UnavailableError
from mesh.tokens import AccessTokens
from tests.integration.mesh.people import HOME, ISSUER, NOW, ORG, Idp, b64, ec_key, good_claims, sign

AT = int(NOW.timestamp())


class Clock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def idp() -> Idp:
    return Idp()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tokens(idp: Idp, clock: Clock) -> AccessTokens:
    return AccessTokens([ISSUER, HOME], now=lambda: NOW, monotonic=clock, fetch=idp.fetch)


async def test_good_token_names_the_person(tokens: AccessTokens, idp: Idp) -> None:
    person = await tokens.verify(idp.token())
    assert (person.issuer, person.subject, str(person.tenant)) == (ISSUER.issuer, "alice", ORG)
    assert person.roles == {options.ROLE_ELECTRICIAN}
    assert person.acr_reached == {"urn:voltex:acr:pwd", "urn:voltex:acr:otp"}
    assert person.intents[0]["generation"] == 2
    assert person.auth_time == NOW - timedelta(seconds=10)


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": ["https://other.test", "https://api.ora.test"]},
        {"nbf": AT + 59},
        {"exp": AT - 59},
        {"role": ["electrician", "org_admin"]},
        {"acr": None, "auth_time": None, "authorization_details": None},
    ],
)
async def test_what_rfc_9068_allows_is_taken(tokens: AccessTokens, idp: Idp, claims: dict[str, Any]) -> None:
    assert (await tokens.verify(idp.token(**claims))).subject == "alice"


BAD_CLAIMS: dict[str, dict[str, Any]] = {
    "no iss": {"iss": None},
    "unknown iss": {"iss": "https://evil.test"},
    "iss of another issuer's key": {"iss": HOME.issuer, "role": "homeowner"},
    "iss is a list": {"iss": [ISSUER.issuer]},
    "no aud": {"aud": None},
    "other aud": {"aud": "https://other.test"},
    "aud is a prefix": {"aud": "https://api.ora.test.evil"},
    "no exp": {"exp": None},
    "expired": {"exp": AT - 61},
    "exp is text": {"exp": str(AT + 600)},
    "exp is true": {"exp": True},
    "exp is huge": {"exp": 10**30},
    "no nbf": {"nbf": None},
    "not yet": {"nbf": AT + 61},
    "no sub": {"sub": None},
    "empty sub": {"sub": ""},
    "sub is a number": {"sub": 7},
    "long sub": {"sub": "x" * 256},
    "electrician without org": {"org": None},
    "org in upper case": {"org": ORG.upper()},
    "org is no uuid": {"org": "*"},
    "role is a number": {"role": 4},
    "roles hold a number": {"role": ["electrician", 4]},
    "acr is a list": {"acr": ["urn:voltex:acr:otp"]},
    "intent without type": {"authorization_details": [{"project": "p1"}]},
    "intent is text": {"authorization_details": ["ora_release"]},
}


@pytest.mark.parametrize("claims", BAD_CLAIMS.values(), ids=BAD_CLAIMS.keys())
async def test_bad_claims_are_refused(tokens: AccessTokens, idp: Idp, claims: dict[str, Any]) -> None:
    if claims.get("iss") == HOME.issuer:  # HOME publishes another key under the same id
        idp.published = [dict(ec_key("k1").as_dict(private=False))]
    await _refused(tokens, idp.token(**claims))


BAD_HEADERS: dict[str, dict[str, Any]] = {
    "id token": {"typ": "JWT"},
    "no typ": {"typ": None},
    "no kid": {"kid": None},
    "kid is a path": {"kid": "../k1"},
    "jku": {"jku": "https://evil.test/jwks"},
    "x5u": {"x5u": "https://evil.test/cert"},
    "x5c": {"x5c": ["AAAA"]},
    "jwk": {"jwk": {"kty": "EC"}},
    "crit": {"crit": ["exp"]},
    "cty": {"cty": "JWT"},
    "zip": {"zip": "DEF"},
}


@pytest.mark.parametrize("header", BAD_HEADERS.values(), ids=BAD_HEADERS.keys())
async def test_bad_headers_are_refused(tokens: AccessTokens, idp: Idp, header: dict[str, Any]) -> None:
    good = idp.token()
    head = {"alg": "ES256", "typ": "at+jwt", "kid": "k1", **header}
    kept = {key: value for key, value in head.items() if value is not None}
    await _refused(tokens, _resigned(kept, idp.key))
    assert await tokens.verify(good)


def _resigned(header: dict[str, Any], key: ECKey) -> str:
    """Sign by hand: the library would refuse to make some of these."""

    body = json.dumps(good_claims()).encode()
    signed = f"{b64(json.dumps(header).encode())}.{b64(body)}"
    private: Any = key.private_key
    r, s = utils.decode_dss_signature(private.sign(signed.encode(), ec.ECDSA(SHA256())))
    return f"{signed}.{b64(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


async def test_hand_signed_token_is_good_where_its_header_is(tokens: AccessTokens, idp: Idp) -> None:
    assert await tokens.verify(_resigned({"alg": "ES256", "typ": "application/at+jwt", "kid": "k1"}, idp.key))


async def test_other_algorithms_are_refused(tokens: AccessTokens, idp: Idp) -> None:
    public = json.dumps(idp.published[0]).encode()
    pem = idp.key.as_pem(private=False)
    rsa = RSAKey.generate_key(2048, {"kid": "k1"}, private=True)
    idp.published.append(dict(rsa.as_dict(private=False)))
    body = json.dumps(good_claims()).encode()
    head = {"typ": "at+jwt", "kid": "k1"}
    forged = [
        sign({**head, "alg": "RS256"}, body, rsa),
        f"{b64(json.dumps({**head, 'alg': 'none'}).encode())}.{b64(body)}.",
        f"{b64(json.dumps({**head, 'alg': 'ES256'}).encode())}.{b64(body)}.",
    ]
    for secret in (public, pem):
        key = OctKey.import_key(base64.urlsafe_b64encode(secret).decode())
        forged.append(sign({**head, "alg": "HS256"}, body, key))
    for each in forged:
        await _refused(tokens, each)


async def test_damaged_tokens_are_refused(tokens: AccessTokens, idp: Idp) -> None:
    head, body, mac = idp.token().split(".")
    admin = b64(json.dumps({**good_claims(), "role": "org_admin"}).encode())
    for each in (
        "",
        "x",
        "a.b.c",
        f"{head}.{body}",
        f"{head}.{body}.{mac}.x",
        f"{head}.{admin}.{mac}",
        f"{head}.{body}.{mac[:-4]}",
        f"{head}=.{body}.{mac}",
        f"{head}.{b64(b'[]')}.{mac}",
        f"{head}.{body}.{mac}" + "A" * 9000,
        f"é{head}.{body}.{mac}",
    ):
        await _refused(tokens, each)


async def test_claim_that_is_there_twice_is_refused(tokens: AccessTokens, idp: Idp) -> None:
    twice = json.dumps(good_claims())[:-1].encode() + b', "sub": "bob"}'
    head = {"alg": "ES256", "typ": "at+jwt", "kid": "k1"}
    assert await tokens.verify(sign(head, json.dumps(good_claims()).encode(), idp.key))
    await _refused(tokens, sign(head, twice, idp.key))


async def test_key_of_another_person_is_refused(tokens: AccessTokens, idp: Idp) -> None:
    await _refused(tokens, idp.token(key=ec_key("k1")))


@pytest.mark.parametrize("change", [{"use": "enc"}, {"alg": "ES384"}, {"kty": "oct", "k": "AAAA"}], ids=str)
async def test_keys_for_other_purposes_are_not_used(tokens: AccessTokens, idp: Idp, change: dict[str, str]) -> None:
    idp.published[0].update(change)
    await _refused(tokens, idp.token())


async def test_issuer_grants_only_its_own_roles(tokens: AccessTokens, idp: Idp) -> None:
    person = await tokens.verify(idp.token(role=["electrician", "support", "homeowner", "king"]))
    assert person.roles == {options.ROLE_ELECTRICIAN}
    stranger = await tokens.verify(idp.token(role="support"))
    assert (stranger.roles, stranger.tenant) == (frozenset(), None)


async def test_unknown_key_id_asks_again_at_most_once_a_minute(tokens: AccessTokens, idp: Idp, clock: Clock) -> None:
    await tokens.verify(idp.token())
    for number in range(20):
        await _refused(tokens, idp.token({"kid": f"forged{number}"}))
    assert idp.asked == 1
    new = ec_key("k2")
    idp.published.append(dict(new.as_dict(private=False)))
    clock.seconds += 61
    assert await tokens.verify(idp.token({"kid": "k2"}, key=new))
    assert idp.asked == 2


async def test_withdrawn_key_is_refused_after_ten_minutes(tokens: AccessTokens, idp: Idp, clock: Clock) -> None:
    await tokens.verify(idp.token())
    idp.published = [dict(ec_key("k9").as_dict(private=False))]
    clock.seconds += 601
    await _refused(tokens, idp.token())


async def test_issuer_that_is_away_is_believed_for_an_hour(tokens: AccessTokens, idp: Idp, clock: Clock) -> None:
    await tokens.verify(idp.token())
    idp.away = True
    clock.seconds += 3500
    assert await tokens.verify(idp.token())
    clock.seconds += 200
    with pytest.raises(UnavailableError) as caught:
        await tokens.verify(idp.token())
    assert caught.value.reason == "ISSUER_UNAVAILABLE"
    idp.away = False
    clock.seconds += 61
    assert await tokens.verify(idp.token())


async def _refused(tokens: AccessTokens, token: str) -> None:
    with pytest.raises(UnauthenticatedError) as caught:
        await tokens.verify(token)
    assert caught.value.reason == "TOKEN_INVALID"
    assert caught.value.message == "the access token is not usable"
    assert caught.value.metadata == {}


FOUND = {"issuer": ISSUER.issuer, "jwks_uri": "https://keys.voltex.test/jwks"}


class Discovered:
    """An issuer whose keys have to be found."""

    def __init__(self, idp: Idp, document: dict[str, Any]) -> None:
        self.asked: list[str] = []
        self._idp, self._document = idp, document

    async def fetch(self, uri: str) -> dict[str, Any]:
        self.asked.append(uri)
        return self._document if uri.endswith("openid-configuration") else {"keys": self._idp.published}


async def test_keys_are_where_the_discovery_document_says(idp: Idp, clock: Clock) -> None:
    there = Discovered(idp, FOUND)
    tokens = AccessTokens([replace(ISSUER, jwks_uri="")], now=lambda: NOW, monotonic=clock, fetch=there.fetch)
    assert (await tokens.verify(idp.token())).subject == "alice"
    assert there.asked == [f"{ISSUER.issuer}/.well-known/openid-configuration", FOUND["jwks_uri"]]


@pytest.mark.parametrize(
    "document",
    [
        {},
        {**FOUND, "issuer": "https://evil.test"},
        {**FOUND, "issuer": ISSUER.issuer + "/"},
        {**FOUND, "jwks_uri": "http://keys.voltex.test/jwks"},
        {**FOUND, "jwks_uri": 1},
    ],
    ids=["empty", "another issuer", "almost the issuer", "without TLS", "no address"],
)
async def test_a_discovery_document_of_another_leads_nowhere(idp: Idp, clock: Clock, document: dict[str, Any]) -> None:
    there = Discovered(idp, document)
    tokens = AccessTokens([replace(ISSUER, jwks_uri="")], now=lambda: NOW, monotonic=clock, fetch=there.fetch)
    with pytest.raises(UnavailableError):
        await tokens.verify(idp.token())
    assert len(there.asked) == 1


@pytest.mark.parametrize(
    "binding", [{}, [], "x", {"jkt": 1}, {"jkt": "x"}, {"jkt": "x" * 43, "x5t#S256": "y"}], ids=repr
)
async def test_a_token_that_is_bound_in_a_way_we_cannot_check_is_refused(
    tokens: AccessTokens, idp: Idp, binding: Any
) -> None:
    with pytest.raises(UnauthenticatedError):
        await tokens.verify(idp.token(cnf=binding))
    assert (await tokens.verify(idp.token(cnf={"jkt": "x" * 43}))).key_thumbprint == "x" * 43
