"""An issuer of access tokens: keys, a JWKS over HTTP, and tokens of every kind, good and forged."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Self

from joserfc import jwt
from joserfc.jwk import ECKey

if TYPE_CHECKING:
    from types import TracebackType

AUDIENCE = "ora-api"


class Issuer:
    """Signs tokens; serves its public keys while it is entered."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.keys = [ECKey.generate_key("P-256", parameters={"kid": "k1", "use": "sig", "alg": "ES256"})]
        self.served = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())

    @property
    def jwks_uri(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/jwks"

    def token(self, *, drop: tuple[str, ...] = (), header: dict[str, str] | None = None, **claims: object) -> str:
        now = int(time.time())
        body: dict[str, object] = {
            "iss": self.issuer,
            "aud": AUDIENCE,
            "sub": "person-1",
            "iat": now,
            "exp": now + 600,
            "client_id": "app",
            "role": "electrician",
            **claims,
        }
        kept = {name: value for name, value in body.items() if name not in drop}
        return jwt.encode({"alg": "ES256", "kid": "k1", "typ": "at+jwt", **(header or {})}, kept, self.keys[0])

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:  # http.server names it
                issuer.served += 1
                body = json.dumps({"keys": [key.as_dict(private=False) for key in issuer.keys]}).encode()
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
