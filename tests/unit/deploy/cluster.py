"""What a cluster would be told, as documents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml

from deploy.release import render

SERVICES = ("gateway", "relay", "portal", "fleet", "ingest", "backup")
NAME = "app.kubernetes.io/name"


@dataclass(frozen=True)
class Cluster:
    overlay: str
    documents: list[dict[str, Any]]

    @classmethod
    def render(cls, overlay: str) -> Cluster:
        return cls(overlay, [each for each in yaml.safe_load_all(render(f"overlays/{overlay}")) if each])

    def of(self, kind: str) -> dict[str, dict[str, Any]]:
        return {each["metadata"]["name"]: each for each in self.documents if each["kind"] == kind}

    def container(self, service: str) -> dict[str, Any]:
        found: dict[str, Any] = self.of("Deployment")[service]["spec"]["template"]["spec"]["containers"][0]
        return found

    def environment(self, service: str) -> dict[str, str]:
        """Return what the process reads; what comes from the pod itself has a made-up value."""
        common = next(each for name, each in self.of("ConfigMap").items() if name.startswith("ora-common"))
        own = {each["name"]: str(each.get("value", f"{service}-0")) for each in self.container(service).get("env", ())}
        return {**common["data"], **own}

    def ports(self, service: str) -> dict[str, int]:
        return {each["name"]: each["containerPort"] for each in self.container(service)["ports"]}

    def allowed(self) -> dict[str, set[str]]:
        """Return who may open the mesh port of whom, by the ingress rules."""
        found: dict[str, set[str]] = {}
        for policy in self.of("NetworkPolicy").values():
            for rule in policy["spec"].get("ingress", ()):
                if {each["port"] for each in rule.get("ports", ())} != {8443}:
                    continue
                callee = policy["spec"]["podSelector"]["matchLabels"][NAME]
                found.setdefault(callee, set()).update(
                    each["podSelector"]["matchLabels"][NAME] for each in rule["from"]
                )
        return found

    def may_call(self) -> dict[str, set[str]]:
        """Return whom each may call on the mesh port, by the egress rules."""
        found: dict[str, set[str]] = {}
        for policy in self.of("NetworkPolicy").values():
            for rule in policy["spec"].get("egress", ()):
                peers = [each["podSelector"]["matchLabels"] for each in rule["to"] if "podSelector" in each]
                named = [each[NAME] for each in peers if NAME in each]
                if {each["port"] for each in rule["ports"]} == {8443} and named:
                    caller = policy["spec"]["podSelector"]["matchLabels"][NAME]
                    found.setdefault(caller, set()).update(named)
        return found
