"""Loaded before any test module: the shared stack, and what tests need of the machine."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

import mesh  # noqa: F401 - must come before gRPC, which reads its TLS settings when it is first imported
from devstack import debian
from tests import stack as stacks
from tests.hsm import hsm  # noqa: F401 - a fixture

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[stacks.Stack]:
    """The whole system, one for all workers. Who kills or slows a part of it uses ``stacks.started`` instead."""
    in_worker = "PYTEST_XDIST_WORKER" in os.environ
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if in_worker else base) / "stack"
    with stacks.shared(folder, os.getppid() if in_worker else os.getpid()) as running:
        yield running


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "debian(package): needs a program or library of this Debian package")


def pytest_runtest_setup(item: pytest.Item) -> None:
    for package in (mark.args[0] for mark in item.iter_markers("debian")):
        if debian.is_there(package):
            continue
        if os.environ.get("ALLOW_MISSING") == "1":
            pytest.skip(f"the Debian package {package} is not installed")
        pytest.fail(
            f"cannot run without the Debian package {package}: apt-get install {package}, or leave it out by "
            "ALLOW_MISSING=1",
            pytrace=False,
        )
