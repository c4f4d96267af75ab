"""Owns the two wheels. hatchling builds them in a scratch folder that holds nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from proto.tools.firmware.descriptors import ROOT
from proto.tools.packages.sources import below, epoch, version

_TREES: Final = {
    "ora-contracts": {"ora/": "proto/python/ora", "buf/": "proto/python/buf"},
    "ora-sdk": {"sdk/": "sdk"},
}
_TYPED: Final = {"ora-contracts": "ora/py.typed", "ora-sdk": "sdk/py.typed"}
_READ_FIRST: Final = {"ora-contracts": "proto/README.md", "ora-sdk": "docs/sdk.md"}


def build() -> dict[str, bytes]:
    """Return both wheels by name."""
    made: dict[str, bytes] = {}
    for name, trees in _TREES.items():
        files = {path: content for at, tree in trees.items() for path, content in below(ROOT / tree, at).items()}
        files[_TYPED[name]] = b""
        files["VERSION"] = version().encode()
        files["README.md"] = (ROOT / _READ_FIRST[name]).read_bytes()
        files["pyproject.toml"] = (
            (ROOT / "packages" / f"{name}.toml").read_text().replace("@VERSION@", version()).encode()
        )
        made |= _wheel(files)
    return made


def _wheel(files: dict[str, bytes]) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as scratch:
        for path, content in files.items():
            written = Path(scratch) / path
            written.parent.mkdir(parents=True, exist_ok=True)
            written.write_bytes(content)
        environment = {**os.environ, "SOURCE_DATE_EPOCH": str(epoch())}
        subprocess.run(
            [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", "out"],
            cwd=scratch,
            env=environment,
            capture_output=True,
            check=True,
        )
        return {path.name: path.read_bytes() for path in (Path(scratch) / "out").iterdir()}
