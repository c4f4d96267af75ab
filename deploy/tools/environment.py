"""Owns the environment of the tools that check and build the deployment, apart from that of the services."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from pathlib import Path
from typing import Final

from devstack.bootstrap import ROOT, UV, VENV, digest

_LOCK: Final = Path(__file__).with_name("requirements.lock")
_HOME: Final = VENV / "deploy"
BIN: Final = _HOME / "bin"


def make() -> None:
    """Install the tools that are locked, unless they are there; one process at a time."""
    with (VENV / "deploy.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _make()


def _make() -> None:
    stamp, wanted = _HOME / ".ora", digest(_LOCK.read_bytes(), sys.version)
    if stamp.exists() and stamp.read_text() == wanted:
        return
    print("installing the tools that check the deployment …", flush=True)
    subprocess.run([UV, "venv", "--quiet", "--clear", "--python", sys.executable, _HOME], cwd=ROOT, check=True)
    locked = ("--require-hashes", "--no-deps", "--only-binary", ":all:")
    install: list[str | Path] = [UV, "pip", "install", "--quiet", "--python", BIN / "python", *locked, "-r", _LOCK]
    subprocess.run(install, cwd=ROOT, check=True)
    stamp.write_text(wanted)


def program(name: str) -> Path:
    """Return the path of a tool."""
    return BIN / name
