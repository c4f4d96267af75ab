"""Loaded before any test module: the shared stack, and what tests need of the machine."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

import mesh  # noqa: F401 - must come before gRPC, which reads its TLS settings when it is first imported
from devstack import debian
from tests import stack as stacks

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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    missing: dict[str, list[str]] = {}
    for item in items:
        for package in (mark.args[0] for mark in item.iter_markers("debian")):
            if not debian.is_there(package):
                missing.setdefault(package, []).append(item.nodeid)
                item.add_marker(pytest.mark.skip(reason=f"the Debian package {package} is not installed"))
    if missing and os.environ.get("ALLOW_MISSING") != "1":
        told = [f"{package}:\n  " + "\n  ".join(tests) for package, tests in sorted(missing.items())]
        raise pytest.UsageError(
            "these tests cannot run, as Debian packages are missing. Install them (apt-get install "
            f"{' '.join(sorted(missing))}) or leave the tests out by ALLOW_MISSING=1.\n" + "\n".join(told)
        )
