"""Owns believing access tokens of people: RFC 9068 claims, RFC 8725 caution, keys from the configured issuers alone.

What the person may do is not asked here.
"""

from __future__ import annotations

import asyncio
import base64
import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Protocol

import httpx
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key
from ora.options.v1 import options_pb2 as options

from mesh import log
from mesh.errors import UnauthenticatedError, UnavailableError
from mesh.identity import Principal
from mesh.ids import TenantId, parse_uuid
from mesh.policy import LEEWAY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mesh.clock import Monotonic, Now
    from mesh.settings import Issuer

_LOG: Final = log.get(__name__)
_TYPES: Final = frozenset({"at+jwt", "application/at+jwt"})
_HEADER_KEYS: Final = frozenset({"alg", "kid", "typ"})
_LONGEST: Final = 8192
_REFETCH_SECONDS: Final = 60.0
_FRESH_SECONDS: Final = 600.0
_USABLE_SECONDS: Final = 3600.0
_DISCOVERY: Final = "/.well-known/openid-configuration"
_THUMBPRINT: Final = 43  # SHA-256 in base64url
_JWKS_BYTES: Final = 1 << 18
_TENANT_ROLES: Final = frozenset({options.ROLE_ELECTRICIAN, options.ROLE_ORG_ADMIN})


class FetchJwks(Protocol):
    """Brings the key set of an issuer."""

    async def __call__(self, uri: str) -> Mapping[str, Any]:
        """Return the JSON document at ``uri``."""


async def fetch_jwks(uri: str) -> Mapping[str, Any]:
    """Return the key set at ``uri``: no redirects, 3 seconds, 256 KiB."""
    async with httpx.AsyncClient(timeout=3, follow_redirects=False) as client, client.stream("GET", uri) as answer:
        answer.raise_for_status()
        body = b""
        async for chunk in answer.aiter_bytes():
            body += chunk
            if len(body) > _JWKS_BYTES:
                raise ValueError("the key set is too large")
    loaded = json.loads(body)
    if not isinstance(loaded, dict):
        raise ValueError("the key set is no object")  # noqa: TRY004 - a wrong document
    return loaded


class IssuerKeys:
    """The public keys of one issuer. An unknown key id asks again, at most once a minute."""

    def __init__(self, issuer: Issuer, fetch: FetchJwks, monotonic: Monotonic) -> None:
        self._issuer, self._fetch, self._monotonic = issuer, fetch, monotonic
        self._keys: dict[str, Key] = {}
        self._tried_at = self._fetched_at = float("-inf")
        self._lock = asyncio.Lock()

    async def get(self, key_id: str) -> Key | None:
        """Return the key, None if the issuer has none of this id, or raise if the issuer cannot be asked."""
        age = self._monotonic() - self._fetched_at
        if key_id not in self._keys or age > _FRESH_SECONDS:
            await self._refresh()
        if self._monotonic() - self._fetched_at > _USABLE_SECONDS:
            raise UnavailableError(
                "the issuer's keys cannot be had", reason="ISSUER_UNAVAILABLE", retry_after=timedelta(seconds=5)
            )
        return self._keys.get(key_id)

    async def _refresh(self) -> None:
        async with self._lock:
            now = self._monotonic()
            if now - self._tried_at < (_REFETCH_SECONDS if self._keys else 1.0):
                return
            self._tried_at = now
            try:
                document = await self._fetch(self._issuer.jwks_uri or await self._discover())
                self._keys = _usable(document, self._issuer.algorithm)
                self._fetched_at = now
            except (httpx.HTTPError, OSError, ValueError, KeyError, JoseError) as error:
                _LOG.warning("an issuer's keys cannot be had", issuer=self._issuer.issuer, exc_info=error)

    async def _discover(self) -> str:
        issuer = self._issuer.issuer
        document = await self._fetch(issuer.rstrip("/") + _DISCOVERY)
        found = document["jwks_uri"]
        # OIDC Discovery, section 4.3; and a document over TLS does not send us to one without.
        if document["issuer"] != issuer or not str(found).startswith(issuer.partition("//")[0]):
            raise ValueError("the discovery document is another issuer's")
        return str(found)


def _usable(document: Mapping[str, Any], algorithm: str) -> dict[str, Key]:
    found: dict[str, Key] = {}
    for each in document["keys"]:
        if isinstance(each, dict) and _for_signing(each, algorithm):
            with suppress(JoseError, ValueError):
                found[each["kid"]] = JWKRegistry.import_key(each)
    return found


def _for_signing(key: Mapping[str, Any], algorithm: str) -> bool:
    return (
        key.get("kty") in {"EC", "OKP", "RSA"}
        and key.get("use", "sig") == "sig"
        and key.get("alg", algorithm) == algorithm
        and isinstance(key.get("kid"), str)
    )


class AccessTokens:
    """Verifies access tokens of the configured issuers."""

    def __init__(
        self, issuers: Sequence[Issuer], *, now: Now, monotonic: Monotonic, fetch: FetchJwks = fetch_jwks
    ) -> None:
        self._now = now
        self._issuers = {each.issuer: (each, IssuerKeys(each, fetch, monotonic)) for each in issuers}
        self._registry = jws.JWSRegistry(algorithms=sorted({each.algorithm for each in issuers}))

    async def verify(self, token: str) -> Principal:
        """Return the person that the token speaks for, or refuse without saying more than that it is not usable."""
        try:
            header, claims = _parts(token)
            issuer, keys = self._issuers[claims["iss"]]
            key_id = _check_header(header, issuer)
        except (ValueError, KeyError, TypeError):
            raise _refusal() from None
        key = await keys.get(key_id)
        if key is None:
            raise _refusal()
        try:
            signed = jws.deserialize_compact(token, key, algorithms=[issuer.algorithm])
            return self._principal(_object(signed.payload), issuer)
        except (JoseError, ValueError, KeyError, TypeError, OverflowError):
            raise _refusal() from None

    def _principal(self, claims: Mapping[str, Any], issuer: Issuer) -> Principal:
        now = self._now()
        audience = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
        expires_at = _instant(claims["exp"])
        _demand(claims["iss"] == issuer.issuer and issuer.audience in audience)
        _demand(expires_at + LEEWAY > now and _instant(claims["nbf"]) - LEEWAY <= now)
        _demand(isinstance(claims["sub"], str) and 0 < len(claims["sub"]) <= 255)  # noqa: PLR2004 - OIDC Core, section 2
        roles = _roles(claims.get("role", ()), issuer)
        acr, auth_time = claims.get("acr"), claims.get("auth_time")
        _demand(acr is None or isinstance(acr, str))
        return Principal(
            issuer=issuer.issuer,
            subject=claims["sub"],
            roles=roles,
            tenant=_tenant(claims.get("org"), roles),
            acr=acr,
            acr_reached=_reached(acr, issuer.acr_levels),
            auth_time=None if auth_time is None else _instant(auth_time),
            intents=_intents(claims.get("authorization_details", ())),
            expires_at=expires_at,
            token_id=_token_id(claims.get("jti", "")),
            key_thumbprint=_thumbprint(claims.get("cnf")),
            must_be_bound=issuer.bound_step_up,
        )


def _refusal() -> UnauthenticatedError:
    return UnauthenticatedError("the access token is not usable", reason="TOKEN_INVALID")


def _demand(holds: bool) -> None:  # noqa: FBT001 - an assertion that stays in optimised code
    if not holds:
        raise ValueError


def _parts(token: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    _demand(len(token) <= _LONGEST and token.isascii())
    head, body, _ = token.split(".")
    return _object(_base64(head)), _object(_base64(body))


def _base64(text: str) -> bytes:
    _demand("=" not in text)
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _object(data: bytes) -> dict[str, Any]:
    loaded = json.loads(data, object_pairs_hook=_unique)
    _demand(isinstance(loaded, dict))
    return loaded  # type: ignore[no-any-return]


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    _demand(len(found) == len(pairs))
    return found


def _check_header(header: Mapping[str, Any], issuer: Issuer) -> str:
    # Anything beside these three (jku, x5u, jwk, x5c, crit, b64, …) would let the token choose how it is believed.
    _demand(header.keys() <= _HEADER_KEYS and header["alg"] == issuer.algorithm)
    _demand(str(header["typ"]).lower() in _TYPES and isinstance(header["kid"], str))
    return header["kid"]  # type: ignore[no-any-return]


def _instant(value: Any) -> datetime:
    _demand(isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1 << 40)
    return datetime.fromtimestamp(value, UTC)


def _roles(value: Any, issuer: Issuer) -> frozenset[options.Role.ValueType]:
    given = [value] if isinstance(value, str) else list(value)
    _demand(all(isinstance(each, str) for each in given))
    known = {name.removeprefix("ROLE_").lower(): number for name, number in options.Role.items() if number}
    return frozenset(known[each] for each in given if each in issuer.roles and each in known)


def _tenant(org: Any, roles: frozenset[options.Role.ValueType]) -> TenantId | None:
    if roles.isdisjoint(_TENANT_ROLES):
        return None
    tenant = parse_uuid(org) if isinstance(org, str) else None
    _demand(tenant is not None)
    return TenantId(tenant) if tenant else None


def _reached(acr: str | None, levels: Sequence[str]) -> frozenset[str]:
    if acr is None:
        return frozenset()
    return frozenset(levels[: levels.index(acr) + 1]) if acr in levels else frozenset({acr})


def _token_id(value: Any) -> str:
    _demand(isinstance(value, str) and len(value) <= 255)  # noqa: PLR2004 - as long as a subject
    return value  # type: ignore[no-any-return]


def _intents(value: Any) -> tuple[Mapping[str, Any], ...]:
    given = tuple(value)
    _demand(all(isinstance(each, dict) and isinstance(each.get("type"), str) for each in given))
    return given


def _thumbprint(confirmation: Any) -> str:
    if confirmation is None:
        return ""
    # A binding that we cannot check is not passed over: the token was not meant for whoever holds it.
    _demand(isinstance(confirmation, dict) and confirmation.keys() == {"jkt"})
    _demand(isinstance(confirmation["jkt"], str) and len(confirmation["jkt"]) == _THUMBPRINT)
    return confirmation["jkt"]  # type: ignore[no-any-return]
