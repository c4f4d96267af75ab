from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from gateway import discovery
from gateway.values import ValuesError

if TYPE_CHECKING:
    from collections.abc import Iterator


class Server(ThreadingHTTPServer):
    """Answers every question with one document."""

    document: object = None
    status = 200

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/realm"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:  # http.server names it
        assert self.path == "/realm/.well-known/openid-configuration"
        self.send_response(self.server.status)
        self.send_header("connection", "close")
        self.end_headers()
        self.wfile.write(json.dumps(self.server.document).encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as made:
        threading.Thread(target=made.serve_forever, args=(0.02,), daemon=True).start()
        yield made
        made.shutdown()


def test_what_the_values_say_is_not_asked_for() -> None:
    assert (
        discovery.jwks_uri({"issuer": "https://nowhere.invalid", "jwks_uri": "https://keys.test"})
        == "https://keys.test"
    )


def test_the_document_says_where_the_keys_are(server: Server) -> None:
    server.document = {"issuer": server.issuer, "jwks_uri": "http://keys.test/jwks"}
    assert discovery.jwks_uri({"name": "x", "issuer": server.issuer}) == "http://keys.test/jwks"


@pytest.mark.parametrize(
    "document", [{}, [], "text", {"issuer": "http://evil.test", "jwks_uri": "http://evil.test/jwks"}]
)
def test_a_document_that_is_not_the_issuers_own_is_refused(server: Server, document: object) -> None:
    server.document = document
    with pytest.raises(ValuesError, match="not its own"):
        discovery.jwks_uri({"name": "x", "issuer": server.issuer})


def test_an_address_that_is_none_is_refused(server: Server) -> None:
    server.document = {"issuer": server.issuer, "jwks_uri": "ftp://keys.test"}
    with pytest.raises(ValuesError, match="not its own"):
        discovery.jwks_uri({"name": "x", "issuer": server.issuer})


def test_an_issuer_that_stays_away_is_named(server: Server) -> None:
    server.status = 503
    with pytest.raises(ValuesError, match=r"issuers\.x: no discovery document"):
        discovery.jwks_uri({"name": "x", "issuer": server.issuer}, tries=2, pause=0)
