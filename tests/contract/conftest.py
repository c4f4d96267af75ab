"""The contracts, compiled once a run, and scratch copies of them."""

from __future__ import annotations

import subprocess
import sys
from itertools import count
from typing import TYPE_CHECKING

import pytest

from tests.contract.image import ROOT, Files, Tree, make_tree

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(scope="session")
def third_party(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("vendored") / "third_party"
    subprocess.run([sys.executable, ROOT / "proto/tools/vendor_protos.py", folder], check=True)
    return folder


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory, third_party: Path) -> Tree:
    """The contracts as they stand in the working tree; not to be changed."""
    folder = tmp_path_factory.mktemp("contract") / "tree"
    return make_tree(folder, ROOT / "proto", ROOT / "buf.yaml", third_party)


@pytest.fixture(scope="session")
def compiled(tree: Tree) -> Files:
    """The descriptors of the contracts; not to be changed."""
    return tree.compile()


@pytest.fixture
def files(compiled: Files) -> Files:
    """The descriptors of the contracts, in a copy that a test may spoil."""
    copy = Files()
    copy.CopyFrom(compiled)
    return copy


@pytest.fixture
def scratch(tree: Tree, tmp_path: Path) -> Callable[[], Tree]:
    """Makes copies of the contracts that a test may change."""
    numbers = count()
    return lambda: tree.copy(tmp_path / f"scratch{next(numbers)}")
