"""Owns the page on which a developer reads the REST API and tries it: Swagger UI over the committed document.

For development alone: it is no part of the gateway. `python -m devstack.api_page PORT ADDRESS` serves it on loopback.
"""

from __future__ import annotations

import json
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Final

from devstack.ports import LOOPBACK

_HERE: Final = Path(__file__).resolve().parent
_DOCUMENT: Final = _HERE.parent / "docs" / "api" / "openapi.json"
_UI: Final = _HERE / "api" / "node_modules" / "swagger-ui-dist"
_PAGE: Final = b"""<!doctype html><html lang="en"><meta charset="utf-8"><title>Ora API</title>
<link rel="stylesheet" href="/swagger-ui.css"><div id="ui"></div>
<script src="/swagger-ui-bundle.js"></script><script src="/page.js"></script></html>
"""
_SCRIPT: Final = b"""SwaggerUIBundle({
  url: '/openapi.json', dom_id: '#ui', deepLinking: true, docExpansion: 'none', filter: true,
  validatorUrl: null, displayRequestDuration: true, showExtensions: true, persistAuthorization: false,
});
"""
# Everything comes from here; what is tried goes to the gateway.
_POLICY: Final = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self' {address}; "
    "frame-ancestors 'none'; base-uri 'none'"
)


def document(address: str) -> bytes:
    """Return the document as this stack serves it: its own address, and a token to paste for people."""
    whole = json.loads(_DOCUMENT.read_text())
    whole["servers"] = [{"url": address}]
    about = "Paste a token: `ora dev token --persona sparky`."
    whole["components"]["securitySchemes"]["person"] = {"type": "http", "scheme": "bearer", "description": about}
    return json.dumps(whole).encode()


def files(address: str) -> dict[str, tuple[str, bytes]]:
    """Return what is served: by path, the media type and the bytes."""
    script, style = "text/javascript; charset=utf-8", "text/css; charset=utf-8"
    return {
        "/": ("text/html; charset=utf-8", _PAGE),
        "/page.js": (script, _SCRIPT),
        "/openapi.json": ("application/json", document(address)),
        "/swagger-ui-bundle.js": (script, (_UI / "swagger-ui-bundle.js").read_bytes()),
        "/swagger-ui.css": (style, (_UI / "swagger-ui.css").read_bytes()),
    }


def handler(address: str) -> type[BaseHTTPRequestHandler]:
    """Return what answers requests."""
    served, policy = files(address), _POLICY.format(address=address)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # http.server names it
            kind, body = served.get(self.path, ("text/plain", b"not here\n"))
            self.send_response(200 if self.path in served else 404)
            headers = {"content-type": kind, "content-length": str(len(body)), "content-security-policy": policy}
            for name, value in (headers | {"x-content-type-options": "nosniff"}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


def main() -> int:
    """Serve until told to stop."""
    port, address = sys.argv[1:]
    server = ThreadingHTTPServer((LOOPBACK, int(port)), handler(address))
    signal.signal(signal.SIGTERM, lambda *_: Thread(target=server.shutdown).start())
    print(f"serves http://{LOOPBACK}:{port}", flush=True)
    server.serve_forever(0.2)
    server.server_close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
