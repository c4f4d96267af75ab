"""Owns proofs that a caller holds the key which a token is bound to (DPoP, RFC 9449); knows no token's issuer.

Whether a proof was shown before is the caller's question: it has the store.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry

from mesh.errors import UnauthenticatedError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mesh.clock import Now

# How far the moment of a proof may be from ours, either way.
LIFETIME: Final = timedelta(seconds=60)
ALGORITHMS: Final = ("ES256", "Ed25519")
_LONGEST: Final = 2048
_JTI: Final = range(8, 129)
_HEADER: Final = frozenset({"typ", "alg", "jwk"})
# What a public key has. Anything more (`d`, `x5u`, …) is not looked at but refused.
_EC: Final = frozenset({"kty", "crv", "x", "y"})
_OKP: Final = frozenset({"kty", "crv", "x"})
_KEYS: Final = frozenset({("ES256", "EC", "P-256", _EC), ("Ed25519", "OKP", "Ed25519", _OKP)})


@dataclass(frozen=True, slots=True)
class Asked:
    """What a proof is about: one request, with one token."""

    method: str
    url: str
    token: str

    def __repr__(self) -> str:
        return f"Asked({self.method})"


class Checks:
    """Reads proofs for an API that is reached at ``origins``; without any, at what the caller asked for."""

    def __init__(self, origins: Sequence[str], *, now: Now) -> None:
        self._origins, self._now = frozenset(origins), now
        self._registry = jws.JWSRegistry(algorithms=list(ALGORITHMS))

    def check(self, proof: str, asked: Asked, thumbprint: str) -> str:
        """Return the id of a proof for this request by this key, or refuse."""
        try:
            return self._read(proof, asked, thumbprint)
        except (JoseError, AttributeError, ValueError, KeyError, TypeError, OverflowError):
            raise UnauthenticatedError("the proof of possession is not usable", reason="PROOF_INVALID") from None

    def _read(self, proof: str, asked: Asked, thumbprint: str) -> str:
        _demand(len(proof) <= _LONGEST and proof.isascii())
        header = _object(_base64(proof.partition(".")[0]))
        _demand(header.keys() == _HEADER and header["typ"] == "dpop+jwt")
        jwk = header["jwk"]
        _demand((header["alg"], jwk["kty"], jwk["crv"], frozenset(jwk)) in _KEYS)
        key = JWKRegistry.import_key(jwk)
        _demand(hmac.compare_digest(key.thumbprint().encode(), thumbprint.encode()))
        claims = _object(jws.deserialize_compact(proof, key, registry=self._registry).payload)
        _demand(claims["htm"] == asked.method and self._is_there(claims["htu"], asked.url))
        _demand(abs(self._now() - _instant(claims["iat"])) <= LIFETIME)
        digest = base64.urlsafe_b64encode(hashlib.sha256(asked.token.encode()).digest()).rstrip(b"=")
        _demand(hmac.compare_digest(str(claims["ath"]).encode(), digest))
        _demand(isinstance(claims["jti"], str) and len(claims["jti"]) in _JTI)
        return claims["jti"]  # type: ignore[no-any-return]

    def _is_there(self, claimed: str, asked: str) -> bool:
        origin, path = _address(claimed)
        return (origin, path) == _address(asked) and (not self._origins or origin in self._origins)


def _address(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    _demand(parts.scheme.lower() == "https" and not parts.username and parts.hostname is not None)
    port = "" if parts.port in {None, 443} else f":{parts.port}"
    return f"https://{parts.hostname}{port}", parts.path


def _base64(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _object(data: bytes) -> Mapping[str, Any]:
    loaded = json.loads(data)
    _demand(isinstance(loaded, dict))
    return loaded  # type: ignore[no-any-return]


def _instant(value: Any) -> datetime:
    _demand(isinstance(value, int | float) and not isinstance(value, bool))
    return datetime.fromtimestamp(value, UTC)


def _demand(holds: bool) -> None:  # noqa: FBT001 - an assertion that stays in optimised code
    if not holds:
        raise ValueError
