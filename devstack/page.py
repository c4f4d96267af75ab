"""Owns serving a few files of ours to a developer's browser, on loopback, under a policy. For development alone."""

from __future__ import annotations

import signal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING

from devstack.ports import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Mapping

# By path, the media type and the bytes.
Files = dict[str, tuple[str, bytes]]
HTML = "text/html; charset=utf-8"
SCRIPT = "text/javascript; charset=utf-8"
STYLE = "text/css; charset=utf-8"
JSON = "application/json"


def policy(connect: str) -> str:
    """Return a content security policy: everything comes from here, and `connect` may be asked as well."""
    return (
        "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        f"connect-src 'self' {connect}; frame-ancestors 'none'; base-uri 'none'"
    )


def handler(files: Mapping[str, tuple[str, bytes]], rule: str) -> type[BaseHTTPRequestHandler]:
    """Return what answers requests."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # http.server names it
            kind, body = files.get(self.path, ("text/plain", b"not here\n"))
            self.send_response(200 if self.path in files else 404)
            headers = {"content-type": kind, "content-length": str(len(body)), "content-security-policy": rule}
            for name, value in (headers | {"x-content-type-options": "nosniff"}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


def serve(port: int, files: Files, rule: str) -> None:
    """Serve until told to stop."""
    server = ThreadingHTTPServer((LOOPBACK, port), handler(files, rule))
    signal.signal(signal.SIGTERM, lambda *_: Thread(target=server.shutdown).start())
    print(f"serves http://{LOOPBACK}:{port}", flush=True)
    server.serve_forever(0.2)
    server.server_close()
