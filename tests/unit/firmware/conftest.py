"""The C of the firmware package, built once a worker."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.firmware.running import FIRMWARE, run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh build with every warning an error, all tests of it passed."""
    folder = tmp_path_factory.mktemp("firmware")
    done = run("make", "-C", FIRMWARE, "-j2", "check", f"BUILD={folder}")
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    assert "warning" not in done.stderr
    return folder
