"""Owns the Debian packages that only some tests and faults need: how to see whether one is there, and how to get it.

`python -m devstack.debian` installs what is missing where it may (root and apt-get), and says what it could not.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

# Package: a program on the path, or a file, that shows that it is there. Tests name it by the mark `debian`.
PACKAGES: Final = {
    "cmake": "cmake",
    "curl": "curl",
    "faketime": "faketime",
    "iproute2": "ip",
    "iptables": "iptables",
    "libcjson-dev": "/usr/include/cjson/cJSON.h",
    "libcurl4-openssl-dev": "curl-config",
    "libmosquitto-dev": "/usr/include/mosquitto.h",
    "libnanopb-dev": "/usr/include/pb.h",
    "libssl-dev": "/usr/include/openssl/evp.h",
    "mosquitto-clients": "mosquitto_pub",
    "prometheus": "promtool",
    "softhsm2": "softhsm2-util",
    "testssl.sh": "testssl",
}
_SBIN: Final = "/usr/sbin:/sbin"


def is_there(package: str) -> bool:
    """Tell whether a package's program or file can be used."""
    proof = PACKAGES[package]
    if proof.startswith("/"):
        return Path(proof).exists()
    return shutil.which(proof, path=f"{os.environ.get('PATH', '')}:{_SBIN}") is not None


def missing() -> list[str]:
    """Name the packages that are not there."""
    return [each for each in PACKAGES if not is_there(each)]


def install(packages: list[str]) -> bool:
    """Install packages without starting what they bring; tell whether it went well."""
    # In this runlevel the packages' scripts start no service: tests start their own.
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    commands = (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages],
    )
    return all(subprocess.run(each, env=quiet, check=False).returncode == 0 for each in commands)


def main() -> int:
    """Install what is missing, where that may be done. The tests say what they cannot do without it."""
    wanted = missing()
    if not wanted:
        return 0
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        print(f"Debian packages that some tests need are missing, and only root may install: {' '.join(wanted)}")
        return 0
    print(f"installing Debian packages that some tests need: {' '.join(wanted)}", flush=True)
    if not install(wanted):
        print("apt-get could not install them; the tests that need them are named below", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
