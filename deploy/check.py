"""Owns checking the deployment without a network: ``python -m deploy.check``.

Kubernetes' schemas, kustomize, policy, Dockerfiles, shell, YAML, GitHub's workflows, Terraform's own validation.
What is rendered is a release with images by digest, as a cluster would see it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import yaml

from deploy.canary import canaries
from deploy.providers.terraform import InvalidError, offline
from deploy.release import SERVICES, pinned
from deploy.tools import environment
from devstack.bootstrap import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

OVERLAYS: Final = ("dev", "staging", "prod-sydney")
# Kinds of operators' own, whose schemas the checker does not have.
_FOREIGN: Final = frozenset({"Certificate", "Issuer", "ExternalSecret", "SecretStore"})
_NO_SCHEMA: Final = re.compile(r"WARN \S+ Couldn't find schema for kind (\w+) ")


class FoundError(Exception):
    """A checker found something; the text is what it said."""


def tool(name: str, *arguments: str | Path) -> str:
    """Run one tool of the deployment's environment; return what it wrote, or raise ``FoundError`` with that."""
    command: Sequence[str | Path] = (environment.program(name), *arguments)
    path = f"{environment.BIN}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "PATH": path}, capture_output=True, encoding="utf-8", check=False
    )
    if done.returncode:
        raise FoundError(f"{name} ended with {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def rendered(scratch: Path) -> list[Path]:
    """Render every overlay, its canaries and the migrations, with images by digest."""
    tree = scratch / "k8s"
    shutil.copytree(ROOT / "k8s", tree)
    images = tree / "images" / "kustomization.yaml"
    digests = {each: f"registry.invalid/ora/{each}@sha256:{i:064x}" for i, each in enumerate(SERVICES, 1)}
    images.write_text(yaml.safe_dump(pinned(yaml.safe_load(images.read_text()), digests)))
    files = []
    for folder in (*(f"overlays/{each}" for each in OVERLAYS), "migrations"):
        files.append(scratch / f"{folder.replace('/', '-')}.yaml")
        files[-1].write_text(tool("kubectl", "kustomize", tree / folder))
    trial = scratch / "canaries.yaml"
    trial.write_text(canaries(files[0].read_text()))
    return [*files, trial]


def kubernetes(scratch: Path) -> None:
    """Schemas of Kubernetes itself, and policy."""
    files = rendered(scratch)
    unknown: set[str] = set()
    for each in files:
        unknown |= set(_NO_SCHEMA.findall(tool("kubernetes-validate", "--strict", each)))
    if unknown - _FOREIGN:
        raise FoundError(f"kinds that nobody has a schema for: {sorted(unknown - _FOREIGN)}")
    named = [word for each in files for word in ("-f", str(each))]
    tool("checkov", "--config-file", ROOT / "deploy" / "checkov.yaml", "--framework", "kubernetes", *named)


def images(scratch: Path) -> None:
    """Dockerfiles."""
    del scratch
    files = sorted((ROOT / "deploy" / "images").glob("*.Dockerfile"))
    tool("hadolint", "--config", ROOT / "deploy" / "images" / "hadolint.yaml", *files)
    tool(*_policy("dockerfile", "deploy/images"))


def workflows(scratch: Path) -> None:
    """GitHub's workflows: syntax, the shell in them, and what attackers look for."""
    del scratch
    files = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
    tool("actionlint", "-shellcheck", environment.program("shellcheck"), *files)
    tool("zizmor", "--offline", "--no-progress", ROOT / ".github" / "workflows")
    tool(*_policy("github_actions", "."))


def terraform(scratch: Path) -> None:
    """Terraform by itself, with the schemas of its providers; and policy."""
    try:
        with offline(scratch) as run:
            run("fmt", "-check", "-diff", "-recursive")
            run("validate")
    except InvalidError as error:
        raise FoundError(str(error)) from error
    tool(*_policy("terraform", "deploy/terraform"))


def shell(scratch: Path) -> None:
    """Shell scripts."""
    del scratch
    tool("shellcheck", ROOT / ".ci" / "run", *sorted((ROOT / "deploy").rglob("*.sh")))


def text(scratch: Path) -> None:
    """YAML, wherever it is ours."""
    del scratch
    tool("yamllint", "--strict", "-c", ROOT / "deploy" / "yamllint.yaml", "k8s", "deploy", ".github", "render.yaml")


def _policy(framework: str, folder: str) -> tuple[str, ...]:
    return ("checkov", "--config-file", "deploy/checkov.yaml", "--framework", framework, "-d", folder)


CHECKS: Final[tuple[Callable[[Path], None], ...]] = (kubernetes, images, workflows, terraform, shell, text)


def main() -> int:
    """Run every check; say what each found."""
    environment.make()
    failed = 0
    for each in CHECKS:
        with tempfile.TemporaryDirectory(prefix="ora-deploy-") as scratch:
            try:
                each(Path(scratch))
            except FoundError as found:
                failed += 1
                print(f"deploy: {each.__name__}: {found}", file=sys.stderr)
    if not failed:
        print(f"deploy: {len(CHECKS)} checks passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
