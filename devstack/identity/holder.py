"""Owns the app's side of a token that is bound to a key: the key, and a proof for each request (DPoP, RFC 9449)."""

from __future__ import annotations

import base64
import hashlib
import secrets
import time

from joserfc import jwt
from joserfc.jwk import ECKey


class Holder:
    """One key, as an app keeps it where it cannot be taken out."""

    def __init__(self) -> None:
        self._key = ECKey.generate_key("P-256")

    def __repr__(self) -> str:
        return "Holder(***)"

    @property
    def thumbprint(self) -> str:
        """What a token that is bound to this key says of it (RFC 7638)."""
        return self._key.thumbprint()

    def proof(self, method: str, url: str, token: str = "") -> str:
        """Return a proof for one request, good once; ``url`` without its query."""
        public = {name: value for name, value in self._key.as_dict(private=False).items() if name != "kid"}
        header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": public}
        claims: dict[str, str | int] = {
            "jti": secrets.token_urlsafe(16),
            "htm": method,
            "htu": url,
            "iat": int(time.time()),
        }
        if token:
            claims["ath"] = base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=").decode()
        return jwt.encode(header, claims, self._key)

    def headers(self, method: str, url: str, token: str) -> dict[str, str]:
        """Return what a request carries."""
        return {"authorization": f"DPoP {token}", "dpop": self.proof(method, url, token)}
