"""What is watched exists, what is alarming has a runbook, and what is made is fresh."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from deploy.observability import make
from mesh import names

ROOT = Path(__file__).resolve().parents[3]
SOURCES = ("mesh", "relay", "portal_svc", "fleet_svc", "ingest_svc", "backup_svc")
# What Prometheus, its client library and the cluster itself bring.
BROUGHT = {"up", "process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds", "process_max_fds"}
METRIC = re.compile(r"\b(?:ora|envoy|process)[a-z0-9_:]+|\bup\b")


def declared() -> set[str]:
    """Return the names under which the instruments of our code are exported, by the rules of the exporter."""
    found: set[str] = set()
    for source in SOURCES:
        for file in (ROOT / source).rglob("*.py"):
            for name in re.findall(r'"(ora_[a-z_]+)"', file.read_text()):
                found |= {name, f"{name}_total", f"{name}_seconds", f"{name}_count", f"{name}_bucket", f"{name}_sum"}
    return found


def asked() -> set[str]:
    """Return the names of all metrics that a query uses; label names and values are no metrics."""
    bare = [re.sub(r"\{[^}]*\}|by \([^)]*\)", "", each) for each in make.queries()]
    return {name for each in bare for name in METRIC.findall(each)}


def test_every_metric_of_ours_that_is_asked_for_is_one_that_is_made() -> None:
    recorded = {name for name in asked() if name.startswith("ora:")}
    ours = {name for name in asked() if name.startswith("ora_")}
    assert ours <= declared(), ours - declared()
    made = yaml.safe_load((make.HERE / "rules" / "slos.yaml").read_text())["groups"]
    assert recorded <= {rule["record"] for group in made for rule in group["rules"] if "record" in rule}
    assert asked() - ours - recorded - BROUGHT == {name for name in asked() if name.startswith("envoy_")}


def test_every_alert_has_its_runbook_and_every_runbook_is_listed() -> None:
    folder = ROOT / "docs" / "runbooks"
    there = {each.stem for each in folder.glob("*.md")} - {"README"}
    assert make.runbooks() <= there
    listed = set(re.findall(r"\]\(([a-z-]+)\.md\)", (folder / "README.md").read_text()))
    assert listed == there


def test_what_is_made_is_fresh() -> None:
    for path, text in make.files().items():
        assert path.read_text() == text, f"{path.name}: python -m deploy.observability.make"


def test_panels_do_not_overlap_and_queries_have_a_window() -> None:
    for board in yaml.safe_load((make.HERE / "dashboards.yaml").read_text())["dashboards"]:
        panels = make.dashboard(board)["panels"]
        assert len({(each["gridPos"]["x"], each["gridPos"]["y"]) for each in panels}) == len(panels)
        for panel in panels:
            assert all("$__rate_interval" in each["expr"] for each in panel["targets"] if "rate(" in each["expr"])


def test_what_has_exemplars_shows_them_and_they_lead_to_traces() -> None:
    boards = [json.loads(each.read_text()) for each in (make.HERE / "grafana").glob("*.json")]
    targets = [target for board in boards for panel in board["panels"] for target in panel["targets"]]
    shown = {each["expr"] for each in targets if each["exemplar"]}
    assert shown == {each["expr"] for each in targets if "ora_rpc_server_seconds_bucket" in each["expr"]}
    assert len(shown) >= 2
    sources = yaml.safe_load((make.HERE / "grafana" / "datasources.yaml").read_text())["datasources"]
    by_type = {each["type"]: each for each in sources}
    (leads,) = by_type["prometheus"]["jsonData"]["exemplarTraceIdDestinations"]
    assert leads == {"name": names.TRACE_ID, "datasourceUid": by_type["tempo"]["uid"]}


def test_what_autoscalers_ask_for_by_pod_is_made_and_adapted() -> None:
    documents = yaml.safe_load_all((ROOT / "k8s" / "base" / "scaling.yaml").read_text())
    metrics = [metric for each in documents for metric in each["spec"]["metrics"] if metric["type"] == "Pods"]
    asked_for = {each["pods"]["metric"]["name"] for each in metrics}
    rules = yaml.safe_load((make.HERE / "adapter.yaml").read_text())["rules"]["custom"]
    assert asked_for == {each["name"]["matches"].strip("^$") for each in rules} <= declared()
    assert all(each["seriesQuery"].split("{")[0] in asked_for for each in rules)


@pytest.mark.parametrize(
    ("text", "hurried"),
    [
        ("rate(x[5m])", "rate(x[5000ms])"),
        ("for: 2m", "for: 2000ms"),
        ("x offset 1h", "x offset 60000ms"),
        ("rate(x[30s])", "rate(x[1000ms])"),
        ("5m", "5m"),
    ],
)
def test_rules_are_hurried(text: str, hurried: str) -> None:
    assert make.hurried(text, 60) == hurried


# What breaks, as series (promtool's notation), and the alerts that must fire at the given time.
BREAKAGES = {
    "TargetDown": ({'up{job="relay-1"}': "0x60"}, "10m"),
    "RelayAdmissionWatchDown": ({'ora_relay_admission_live{job="relay-1"}': "0x60"}, "5m"),
    "ClocksDiffer": ({'ora_rpc_server_failures_total{job="fleet",reason="CLOCK_SKEW"}': "0+6x60"}, "20m"),
    "RelayHandshakesRefused": ({'ora_relay_handshakes_refused_total{reason="BUDGET"}': "0+12000x60"}, "20m"),
    "RelaySessionsFell": ({'ora_relay_sessions{job="relay-1"}': "100x20 10x40"}, "30m"),
    "RelayQueuesFull": ({'ora_relay_queued_bytes{job="relay-1"}': "300000000x60"}, "20m"),
    "JobNotDone": ({'ora_job_last_success_seconds{job="portal",exported_job="strip"}': "0x600"}, "7h"),
    "JobsFail": ({'ora_job_runs_total{job="portal",exported_job="strip",outcome="failed"}': "0+1x60"}, "50m"),
    "OutboxStuck": ({'ora_outbox_failures_total{job="portal"}': "0+1x60"}, "20m"),
    "EventsDeadLettered": ({'ora_events_handled_total{job="fleet",outcome="dead"}': "0+1x60"}, "10m"),
    "TasksFail": ({'ora_portal_tasks_total{exported_job="STRIP",outcome="failed"}': "0+1x60"}, "50m"),
    "ForbiddenTelemetry": ({'ora_ingest_dropped_total{reason="FORBIDDEN_KEY"}': "0+10x60"}, "50m"),
    "FilesRunOut": ({"process_open_fds": "900x60", "process_max_fds": "1000x60"}, "20m"),
}


def test_each_alert_has_something_that_sets_it_off() -> None:
    groups = yaml.safe_load((make.HERE / "rules" / "alerts.yaml").read_text())["groups"]
    assert {rule["alert"] for group in groups for rule in group["rules"]} == set(BREAKAGES)


@pytest.mark.debian("prometheus")
def test_alerts_fire_when_what_they_watch_breaks_and_not_otherwise(tmp_path: Path) -> None:
    rules = [str(each) for each in sorted((make.HERE / "rules").glob("*.yaml"))]
    tests = [
        {
            "interval": "1m",
            "input_series": [{"series": series, "values": values} for series, values in broken.items()],
            "promql_expr_test": [
                {
                    "expr": f'count(ALERTS{{alertname="{alert}",alertstate="firing"}}) > bool 0',
                    "eval_time": at,
                    "exp_samples": [{"labels": "{}", "value": 1}],
                }
                for alert, at in [(name, when)]
            ],
        }
        for name, (broken, when) in BREAKAGES.items()
    ]
    quiet = {
        "interval": "1m",
        "input_series": [
            {"series": 'up{job="relay-1"}', "values": "1x60"},
            {"series": 'ora_relay_admission_live{job="relay-1"}', "values": "1x60"},
            {"series": 'ora_relay_sessions{job="relay-1"}', "values": "100x60"},
            {"series": 'ora_relay_outcomes_total{reason="DELIVERED"}', "values": "0+600x60"},
        ],
        "promql_expr_test": [{"expr": "count(ALERTS) or vector(0)", "eval_time": "50m", "exp_samples": [{"value": 0}]}],
    }
    burning = [
        {
            "interval": "1m",
            "input_series": [
                {"series": 'ora_relay_outcomes_total{reason="DELIVERED"}', "values": "0+90x120"},
                {"series": 'ora_relay_outcomes_total{reason="EXPIRED"}', "values": "0+10x120"},
            ],
            "promql_expr_test": [
                {
                    "expr": 'count(ALERTS{alertname="BudgetBurns",slo="delivery",severity="page",alertstate="firing"})',
                    "eval_time": "100m",
                    "exp_samples": [{"labels": "{}", "value": 2}],
                }
            ],
        }
    ]
    file = tmp_path / "tests.yaml"
    file.write_text(
        yaml.safe_dump({"rule_files": rules, "evaluation_interval": "1m", "tests": [*tests, quiet, *burning]})
    )
    done = subprocess.run(["promtool", "test", "rules", file], capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
