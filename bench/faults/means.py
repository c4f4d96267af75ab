"""Owns what faults need of the machine beside the stack, and the word of why it is not there."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from enum import Enum
from pathlib import Path
from typing import Final

_NEW_MOUNTS: Final = 0x0002_0000
_NEW_NETWORK: Final = 0x4000_0000
_LIBRARY: Final = "*/faketime/libfaketimeMT.so.1"


class Mean(Enum):
    """One of them."""

    NAMESPACES = "namespaces"
    PACKETS = "packets"
    CLOCK = "clock"


def lacking() -> dict[Mean, str]:
    """Tell why each of those that are not there is not."""
    found: dict[Mean, str] = {}
    if os.geteuid() != 0:
        found[Mean.NAMESPACES] = "wants root"
    elif subprocess.run(["unshare", "--net", "--mount", "true"], capture_output=True, check=False).returncode:
        found[Mean.NAMESPACES] = "the system gives no namespaces"
    missing = [each for each in ("ip", "iptables", "nsenter") if not shutil.which(each)]
    if Mean.NAMESPACES in found:
        found[Mean.PACKETS] = found[Mean.NAMESPACES]
    elif missing:
        found[Mean.PACKETS] = f"{', '.join(missing)} not installed"
    if clock_library() is None:
        found[Mean.CLOCK] = "the package faketime is not installed"
    return found


def clock_library() -> Path | None:
    """Return the library that tells a process another time."""
    return next(Path("/usr/lib").glob(_LIBRARY), None)


def move_out() -> None:
    """Move this process where it can, to mounts and a network of its own: what it makes there ends with it."""
    if Mean.NAMESPACES in lacking():
        return
    library = ctypes.CDLL(None, use_errno=True)
    if library.unshare(_NEW_MOUNTS | _NEW_NETWORK):
        raise OSError(ctypes.get_errno(), "unshare")
    run("mount", "--make-rprivate", "/")
    if shutil.which("ip"):
        run("ip", "link", "set", "lo", "up")


def run(*command: str) -> None:
    """Run one command, which must go well."""
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}: {done.stderr.strip()}")
