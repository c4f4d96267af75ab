"""Owns the page on which a developer reads the REST API and tries it: Swagger UI over the committed document.

For development alone: it is no part of the gateway. `python -m devstack.api_page PORT ADDRESS` serves it on loopback.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Final

from devstack import page

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


def document(address: str) -> bytes:
    """Return the document as this stack serves it: its own address, and a token to paste for people."""
    whole = json.loads(_DOCUMENT.read_text())
    whole["servers"] = [{"url": address}]
    about = "Paste a token: `ora dev token --persona sparky`."
    whole["components"]["securitySchemes"]["person"] = {"type": "http", "scheme": "bearer", "description": about}
    return json.dumps(whole).encode()


def files(address: str) -> page.Files:
    """Return what is served."""
    return {
        "/": (page.HTML, _PAGE),
        "/page.js": (page.SCRIPT, _SCRIPT),
        "/openapi.json": (page.JSON, document(address)),
        "/swagger-ui-bundle.js": (page.SCRIPT, (_UI / "swagger-ui-bundle.js").read_bytes()),
        "/swagger-ui.css": (page.STYLE, (_UI / "swagger-ui.css").read_bytes()),
    }


def main() -> int:
    """Serve until told to stop."""
    port, address = sys.argv[1:]
    page.serve(int(port), files(address), page.policy(address))
    return 0


if __name__ == "__main__":
    sys.exit(main())
