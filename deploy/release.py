"""Owns a release: images by digest, migrations, one canary of each service, then all of them, and back if it must.

``pin DIGESTS`` writes the digests into ``k8s/images``; ``migrate OVERLAY`` runs the migrations and waits;
``roll-out OVERLAY`` starts canaries, watches them, and then brings everything forward. A canary that fails, or a
service that does not become ready, is taken back, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx
import yaml

from deploy.canary import QUERIES, canaries, verdict
from deploy.tools import environment
from devstack.bootstrap import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SERVICES: Final = ("gateway", "relay", "portal", "fleet", "ingest", "backup")
_IMAGES: Final = ROOT / "k8s" / "images" / "kustomization.yaml"
_NAMESPACE: Final = "ora"
_WATCHED_SECONDS: Final = 900
_STEP_SECONDS: Final = 30


class ReleaseError(Exception):
    """A release cannot go on; the text says why."""


def pinned(component: Mapping[str, Any], digests: Mapping[str, str]) -> dict[str, Any]:
    """Return the component with the digests (`name@sha256:…`) of a release; raises ``ReleaseError``."""
    images = []
    for service in SERVICES:
        name, at, digest = digests.get(service, "").partition("@")
        if not at or not digest.startswith("sha256:"):
            raise ReleaseError(f"{service} has no digest")
        images.append({"name": f"ora/{service}", "newName": name, "digest": digest})
    return {**component, "images": images}


def pin(digests: Path, images: Path = _IMAGES) -> None:
    """Write the digests into ``k8s/images``."""
    component = yaml.safe_load(images.read_text())
    images.write_text(yaml.safe_dump(pinned(component, json.loads(digests.read_text())), sort_keys=False))


def kubectl(*arguments: str, given: str | None = None) -> str:
    """Run kubectl; return what it wrote."""
    command: list[str | Path] = [environment.program("kubectl"), *arguments]
    done = subprocess.run(command, input=given, check=True, stdout=subprocess.PIPE, encoding="utf-8")
    return done.stdout


def render(folder: str) -> str:
    """Return what kustomize makes of a folder under ``k8s/``."""
    return kubectl("kustomize", str(ROOT / "k8s" / folder))


def migrate() -> None:
    """Run the migrations anew and wait for each; raises ``CalledProcessError`` if one fails."""
    jobs = render("migrations")
    kubectl("delete", "--ignore-not-found", "--wait", "-f", "-", given=jobs)
    kubectl("apply", "-f", "-", given=jobs)
    names = [f"job/{each['metadata']['name']}" for each in yaml.safe_load_all(jobs) if each["kind"] == "Job"]
    kubectl("wait", "-n", _NAMESPACE, "--for=condition=complete", "--timeout=900s", *names)


def roll_out(overlay: str, prometheus: str) -> bool:
    """Start canaries, watch them, and bring everything forward; return whether all went well."""
    whole = render(f"overlays/{overlay}")
    trial = canaries(whole)
    kubectl("apply", "-f", "-", given=trial)
    try:
        _wait([each["metadata"]["name"] for each in yaml.safe_load_all(trial)])
        why = _watch(prometheus)
    except subprocess.CalledProcessError as error:
        why = f"a canary did not become ready (exit {error.returncode})"
    finally:
        kubectl("delete", "--ignore-not-found", "--wait", "-f", "-", given=trial)
    if why:
        print(f"taken back: {why}", file=sys.stderr)
        return False
    kubectl("apply", "-f", "-", given=whole)
    try:
        _wait(SERVICES)
    except subprocess.CalledProcessError:
        for service in SERVICES:
            kubectl("rollout", "undo", "-n", _NAMESPACE, f"deployment/{service}")
        _wait(SERVICES)
        print("taken back: a service did not become ready", file=sys.stderr)
        return False
    return True


def _wait(deployments: Sequence[str]) -> None:
    for each in deployments:
        kubectl("rollout", "status", "-n", _NAMESPACE, f"deployment/{each}", "--timeout=900s")


def _watch(prometheus: str) -> str:
    """Look at the canaries for a while; return what speaks against them, or nothing."""
    end = time.monotonic() + _WATCHED_SECONDS
    while time.monotonic() < end:
        time.sleep(_STEP_SECONDS)
        why = verdict({name: ask(prometheus, query) for name, query in QUERIES.items()})
        if why:
            return why
    return ""


def ask(prometheus: str, query: str) -> float | None:
    """Return the one number that a query answers, None where there is none yet."""
    answer = httpx.get(f"{prometheus}/api/v1/query", params={"query": query}, timeout=10).raise_for_status().json()
    result = answer["data"]["result"]
    return float(result[0]["value"][1]) if result else None


def main() -> int:
    """Do one step of a release."""
    reading = argparse.ArgumentParser(prog="python -m deploy.release", description=__doc__)
    steps = reading.add_subparsers(dest="step", required=True)
    steps.add_parser("pin").add_argument("digests", type=Path)
    steps.add_parser("migrate").add_argument("overlay")
    rolling = steps.add_parser("roll-out")
    rolling.add_argument("overlay")
    rolling.add_argument("--prometheus", required=True)
    asked = reading.parse_args()
    environment.make()
    try:
        match asked.step:
            case "pin":
                pin(asked.digests)
            case "migrate":
                migrate()
            case _:
                return 0 if roll_out(asked.overlay, asked.prometheus) else 1
    except ReleaseError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
