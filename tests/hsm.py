"""A token of SoftHSM, for tests: what a machine with an HSM has, in a folder."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from mesh.pkcs11 import Pkcs11Config

if TYPE_CHECKING:
    from pathlib import Path

MODULE = "/usr/lib/softhsm/libsofthsm2.so"
LABEL = "ora"
PIN = "1234"


def make_token(folder: Path) -> Pkcs11Config:
    """Return the way to a new token. SoftHSM reads its folder once a process, so there is one a process."""
    (folder / "tokens").mkdir(parents=True)
    settings = folder / "softhsm2.conf"
    settings.write_text(f"directories.tokendir = {folder}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n")
    os.environ["SOFTHSM2_CONF"] = str(settings)
    command = ["softhsm2-util", "--init-token", "--free", "--label", LABEL, "--pin", PIN, "--so-pin", "5678"]
    subprocess.run(command, check=True, capture_output=True)
    (folder / "pin").write_text(f"{PIN}\n")
    return Pkcs11Config(module=MODULE, token=LABEL, pin_file=folder / "pin")


@pytest.fixture(scope="session")
def hsm(tmp_path_factory: pytest.TempPathFactory) -> Pkcs11Config:
    """One token for all tests of this process; they tell their keys apart by label."""
    return make_token(tmp_path_factory.mktemp("hsm"))
