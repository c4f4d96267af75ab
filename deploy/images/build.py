"""Owns building every image for real, and starting it: ``python -m deploy.images.build``.

Without an engine and a registry: buildah, as root, on a base that debootstrap makes and that bears the base image's
name. Each service is then run from its image against the stack that is up (``ora up -d``), until it says that it is
ready, and again until it has drained.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from deploy.images import context
from deploy.images.start import start_each
from devstack.bootstrap import ROOT

HERE: Final = Path(__file__).parent
BASE: Final = "docker.io/library/python:3.11-slim-bookworm"
# Image: its family's Dockerfile, and its target there.
IMAGES: Final = {
    "relay": ("relay", "relay"),
    "gateway": ("gateway", "gateway"),
    **{each: ("services", each) for each in ("portal", "fleet", "ingest", "backup")},
}
_ENVIRONMENT: Final = {**os.environ, "STORAGE_DRIVER": "vfs", "BUILDAH_ISOLATION": "chroot"}
_IN_BASE: Final = "python3,python3-venv,ca-certificates"


def buildah(*arguments: str | Path) -> str:
    """Run buildah; return what it wrote."""
    done = subprocess.run(
        ["buildah", *arguments], env=_ENVIRONMENT, check=True, stdout=subprocess.PIPE, encoding="utf-8"
    )
    return done.stdout.strip()


def has(image: str) -> bool:
    """Tell whether an image is in the store."""
    asked = subprocess.run(
        ["buildah", "inspect", "--type", "image", image], env=_ENVIRONMENT, capture_output=True, check=False
    )
    return asked.returncode == 0


def make_base(scratch: Path) -> None:
    """Make a Debian with Python under the name of the base image, unless the store has it."""
    if has(BASE):
        return
    tree = scratch / "base"
    print("base: debootstrap bookworm …", flush=True)
    asked = ("--variant=minbase", f"--include={_IN_BASE}", "bookworm", str(tree))
    subprocess.run(["debootstrap", *asked], check=True, stdout=subprocess.DEVNULL)
    name = buildah("from", "scratch")
    buildah("add", "--quiet", name, tree, "/")
    buildah("commit", "--quiet", name, BASE)
    buildah("rm", name)
    shutil.rmtree(tree)


def build(scratch: Path) -> None:
    """Build every image."""
    for family in sorted({family for family, _ in IMAGES.values()}):
        folder = scratch / family
        context.make(family, folder)
        for image, (_, target) in sorted((k, v) for k, v in IMAGES.items() if v[0] == family):
            print(f"{image}: building …", flush=True)
            file = HERE / f"{family}.Dockerfile"
            asked = ("--pull-never", "--layers", "--target", target, "-f", file, "-t", f"ora/{image}", folder)
            buildah("bud", "--quiet", "--format", "docker", *asked)
        shutil.rmtree(folder)


def main() -> int:
    """Build and start; the exit code is 0 if every image did both."""
    missing = [each for each in ("buildah", "debootstrap") if shutil.which(each) is None]
    if missing or os.geteuid() != 0:
        print(f"wanted: root, and the Debian packages {' '.join(missing) or 'that are there'}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="ora-images-") as name:
        make_base(Path(name))
        build(Path(name))
    rows = start_each(sorted(IMAGES), ROOT, _ENVIRONMENT)
    for each in rows:
        print(f"{each.image:8} {each.text}")
    return 0 if all(each.good for each in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
