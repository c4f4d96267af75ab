"""Owns the identity provider of a measurement: one key, served over HTTP, and one person's access token."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Final

from joserfc import jwt
from joserfc.jwk import ECKey

from bench.relay.packets import ISSUER, SUBJECT
from gateway.values import Issuer, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

_AUDIENCE: Final = "ora-api"
_POLL_SECONDS: Final = 0.2


class People:
    """Signs tokens; its public key is read at ``jwks_uri``."""

    def __init__(self, port: int) -> None:
        self._key = ECKey.generate_key("P-256", parameters={"kid": "bench", "use": "sig", "alg": "ES256"})
        self._port = port
        self._jwks = f"http://127.0.0.1:{port}/jwks"

    def token(self) -> str:
        """Return an access token (RFC 9068) that lives for an hour."""
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": _AUDIENCE,
            "sub": SUBJECT,
            "iat": now,
            "nbf": now,
            "exp": now + 3600,
            "client_id": "app",
            "role": "homeowner",
        }
        return jwt.encode({"alg": "ES256", "kid": "bench", "typ": "at+jwt"}, claims, self._key)

    def setting(self) -> str:
        """Return the value of ORA_OIDC_ISSUERS."""
        roles = ["homeowner", "electrician"]
        return json.dumps([{"issuer": ISSUER, "audience": _AUDIENCE, "jwks_uri": self._jwks, "roles": roles}])

    def issuer(self) -> Issuer:
        """Return the same for a gateway."""
        roles = frozenset((Role("homeowner"), Role("electrician")))
        return Issuer(name="bench", issuer=ISSUER, audience=_AUDIENCE, jwks_uri=self._jwks, roles=roles)

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Serve the public key."""
        body = json.dumps({"keys": [self._key.as_dict(private=False)]}).encode()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        with ThreadingHTTPServer(("127.0.0.1", self._port), Handler) as server:
            thread = threading.Thread(target=server.serve_forever, args=(_POLL_SECONDS,), daemon=True)
            thread.start()
            try:
                yield
            finally:
                server.shutdown()
                thread.join()
