"""Owns what a canary is, and when it speaks against a release. Asks nobody: it is given documents and numbers."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Final

import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

SUFFIX: Final = "-canary"
_NAME: Final = "app.kubernetes.io/name"
_TRACK: Final = "ora.cloud/track"
# Calls of the canaries alone, by the name of the pod that was scraped; a share that nobody has called yet is no answer.
_CALLS: Final = 'ora_rpc_server_seconds_count{pod=~".*-canary-.*"}'
_WRONG: Final = 'ora_rpc_server_failures_total{pod=~".*-canary-.*",code=~"INTERNAL|UNKNOWN|DATA_LOSS"}'
QUERIES: Final = {
    "failures": f"sum(rate({_WRONG}[5m])) / sum(rate({_CALLS}[5m]))",
    "p99": ('histogram_quantile(0.99, sum by (le) (rate(ora_rpc_server_seconds_bucket{pod=~".*-canary-.*"}[5m])))'),
    "restarts": 'sum(increase(kube_pod_container_status_restarts_total{namespace="ora",pod=~".*-canary-.*"}[15m]))',
}
LIMITS: Final = {"failures": 0.01, "p99": 1.0, "restarts": 0.0}


def canaries(overlay: str) -> str:
    """Return, of a whole overlay, one more pod of each Deployment: under a name of its own, behind the same Service."""
    found = (each for each in yaml.safe_load_all(overlay) if each and each["kind"] == "Deployment")
    return yaml.safe_dump_all([_canary(each) for each in found], sort_keys=False)


def _canary(deployment: Mapping[str, Any]) -> dict[str, Any]:
    made = copy.deepcopy(dict(deployment))
    made["metadata"]["name"] += SUFFIX
    made["spec"]["replicas"] = 1
    # Its selector is narrower than that of the Service, and disjoint from that of the Deployment that it stands for.
    made["spec"]["selector"]["matchLabels"][_TRACK] = "canary"
    made["spec"]["template"]["metadata"]["labels"][_TRACK] = "canary"
    return made


def verdict(seen: Mapping[str, float | None]) -> str:
    """Return what speaks against the canaries, or nothing. What is not measured yet speaks neither way."""
    over = [
        f"{name} is {value:g}, more than {LIMITS[name]:g}"
        for name, value in sorted(seen.items())
        if value is not None and not value <= LIMITS[name]
    ]
    return "; ".join(over)
