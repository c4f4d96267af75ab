"""Owns making Prometheus' rules and Grafana's dashboards: ``python -m deploy.observability.make [--check]``.

People write ``slos.yaml`` and ``dashboards.yaml``; ``rules/slos.yaml`` and ``grafana/*.json`` are made of them.
Burn rates follow the SRE workbook, chapter 5: each alert needs a long window and a short one.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

HERE: Final = Path(__file__).parent
_HEAD: Final = "# Made from slos.yaml by `python -m deploy.observability.make`.\n"
_MONTH: Final = "30d"
# What has exemplars: the trace of a call stands beside the bucket that it fell into.
_DURATIONS: Final = "ora_rpc_server_seconds_bucket"
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


@dataclass(frozen=True, slots=True)
class Burn:
    """One alert: the budget burns this many times too fast over both windows."""

    rate: float
    long: str
    short: str
    severity: str


BURNS: Final = (Burn(14.4, "1h", "5m", "page"), Burn(6, "6h", "30m", "page"), Burn(1, "3d", "6h", "ticket"))


def rules(slos: dict[str, Any]) -> dict[str, Any]:
    """Return Prometheus' rule groups of all promises."""
    return {"groups": [_group(each) for each in slos["slos"]]}


def _group(slo: dict[str, Any]) -> dict[str, Any]:
    windows = sorted({window for burn in BURNS for window in (burn.long, burn.short)} | {_MONTH})
    made: list[dict[str, Any]] = [
        {
            "record": f"ora:slo:errors_{window}",
            # Without a single good event there is no series of them, and the promise is broken all the same.
            "expr": f"1 - ({_in(slo['good'], window)} or vector(0)) / ({_in(slo['all'], window)} > 0)",
            "labels": {"slo": slo["name"]},
        }
        for window in windows
    ]
    budget = round(1 - slo["objective"], 9)
    own = f'{{slo="{slo["name"]}"}}'
    left = f"1 - ora:slo:errors_{_MONTH}{own} / {budget}"
    made.append({"record": "ora:slo:budget_left", "expr": left, "labels": {"slo": slo["name"]}})
    for burn in BURNS:
        over = [f"ora:slo:errors_{each}{own} > {round(burn.rate * budget, 9)}" for each in (burn.long, burn.short)]
        made.append(
            {
                "alert": "BudgetBurns",
                "expr": " and ".join(over),
                "labels": {"severity": burn.severity, "slo": slo["name"], "window": burn.long},
                "annotations": {
                    "summary": f"{slo['title']}: the month's budget burns {burn.rate:g} times too fast",
                    "runbook": slo["runbook"],
                },
            }
        )
    return {"name": f"slo-{slo['name']}", "rules": made}


def _in(query: str, window: str) -> str:
    return query.replace("$window", window)


def dashboard(given: dict[str, Any]) -> dict[str, Any]:
    """Return Grafana's model of one dashboard: two panels a row."""
    return {
        "uid": given["uid"],
        "title": f"Ora: {given['title']}",
        "schemaVersion": 41,
        "version": 1,
        "editable": False,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "tags": ["ora"],
        "templating": {
            "list": [{"name": "source", "type": "datasource", "query": "prometheus", "label": "Prometheus"}],
        },
        "panels": [_panel(number, each) for number, each in enumerate(given["panels"])],
    }


def _panel(number: int, given: dict[str, Any]) -> dict[str, Any]:
    source = {"type": "prometheus", "uid": "${source}"}
    targets = [
        {
            "refId": chr(ord("A") + i),
            "expr": query,
            "legendFormat": legend,
            "exemplar": _DURATIONS in query,
            "datasource": source,
        }
        for i, (legend, query) in enumerate(given["queries"].items())
    ]
    return {
        "id": number + 1,
        "title": given["title"],
        "type": "timeseries",
        "datasource": source,
        "gridPos": {"x": 12 * (number % 2), "y": 8 * (number // 2), "w": 12, "h": 8},
        "fieldConfig": {"defaults": {"unit": given["unit"], "min": 0}, "overrides": []},
        "options": {"legend": {"displayMode": "table", "placement": "right", "calcs": ["lastNotNull", "max"]}},
        "targets": targets,
    }


def hurried(text: str, factor: int) -> str:
    """Return rules whose every duration is a ``factor``th: what takes minutes in production can be seen in seconds."""

    def shorter(found: re.Match[str]) -> str:
        seconds = int(found[2]) * _SECONDS[found[3]]
        return f"{found[1]}{max(1000 * seconds // factor, 1000)}ms"

    return re.sub(r"(\[|offset |for: )(\d+)([smhd])", shorter, text)


def queries() -> list[str]:
    """Return every query that is asked anywhere: dashboards, alerts, promises."""
    boards = _read("dashboards.yaml")["dashboards"]
    found = [query for board in boards for panel in board["panels"] for query in panel["queries"].values()]
    for file in sorted((HERE / "rules").glob("*.yaml")):
        found += [rule["expr"] for group in yaml.safe_load(file.read_text())["groups"] for rule in group["rules"]]
    return [each.replace("$__rate_interval", "5m") for each in found]


def runbooks() -> set[str]:
    """Return the names of the runbooks that alerts send people to."""
    files = sorted((HERE / "rules").glob("*.yaml"))
    groups = [group for file in files for group in yaml.safe_load(file.read_text())["groups"]]
    return {rule["annotations"]["runbook"] for group in groups for rule in group["rules"] if "alert" in rule}


def files() -> dict[Path, str]:
    """Return what is made, by where it goes."""
    made = {HERE / "rules" / "slos.yaml": _HEAD + yaml.safe_dump(rules(_read("slos.yaml")), sort_keys=False, width=160)}
    for each in _read("dashboards.yaml")["dashboards"]:
        made[HERE / "grafana" / f"{each['uid']}.json"] = json.dumps(dashboard(each), indent=1) + "\n"
    return made


def _read(name: str) -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((HERE / name).read_text())
    return read


def main() -> int:
    """Write what is made, or with ``--check`` say what is stale."""
    reading = argparse.ArgumentParser(prog="python -m deploy.observability.make", description=__doc__)
    reading.add_argument("--check", action="store_true")
    check, stale = reading.parse_args().check, 0
    for path, text in files().items():
        if path.exists() and path.read_text() == text:
            continue
        stale += 1
        if check:
            print(f"{path.relative_to(HERE.parents[1])} is stale: make proto", file=sys.stderr)
        else:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
