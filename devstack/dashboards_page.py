"""Owns the page that shows the dashboards of `deploy/observability` from this stack's own Prometheus.

The same panels and queries that Grafana gets: a dashboard can be tried before it is shipped.
`python -m devstack.dashboards_page PORT PROMETHEUS`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Final

import yaml

from devstack import page

_ROOT: Final = Path(__file__).resolve().parents[1]
_BOARDS: Final = _ROOT / "deploy" / "observability" / "dashboards.yaml"
_HERE: Final = Path(__file__).resolve().parent / "dashboards"


def files(prometheus: str) -> page.Files:
    """Return what is served."""
    boards = yaml.safe_load(_BOARDS.read_text())["dashboards"]
    return {
        "/": (page.HTML, (_HERE / "page.html").read_bytes()),
        "/page.js": (page.SCRIPT, (_HERE / "page.js").read_bytes()),
        "/page.css": (page.STYLE, (_HERE / "page.css").read_bytes()),
        "/boards.json": (page.JSON, json.dumps({"prometheus": prometheus, "boards": boards}).encode()),
    }


def main() -> int:
    """Serve until told to stop."""
    port, prometheus = sys.argv[1:]
    page.serve(int(port), files(prometheus), page.policy(prometheus))
    return 0


if __name__ == "__main__":
    sys.exit(main())
