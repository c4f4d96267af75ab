"""Runs the programs of the firmware package, without the test run's own flags of make."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
FIRMWARE = ROOT / "proto" / "firmware"


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "MFLAGS"}}
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=kept)
