"""Owns the facts of the machine that stand beside every figure. Names no machine."""

from __future__ import annotations

import os
import platform
import ssl
import subprocess
from pathlib import Path


def facts() -> list[str]:
    """Return what a reader needs to judge figures."""
    processor = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    return [
        f"{processor}, {os.cpu_count()} cores, Linux {platform.release().split('-')[0]}",
        f"Python {platform.python_version()}, {ssl.OPENSSL_VERSION.rsplit(' ', 3)[0]}",
    ]


def load_average() -> float:
    """Return how many processes wanted to run in the last minute: how noisy figures are."""
    return os.getloadavg()[0]


def version(command: list[str]) -> str:
    """Return the first line that a program says of itself."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    said = (done.stdout or done.stderr).splitlines()
    return said[0] if said else command[0]
