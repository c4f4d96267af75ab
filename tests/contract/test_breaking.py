"""The contracts do not break who was built with the branch that everybody builds on."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from typing import TYPE_CHECKING

import pytest

from tests.contract.image import ROOT, BufError, Tree, make_tree

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MAIN = os.environ.get("ORA_MAIN_BRANCH", "main")


def git(*arguments: str) -> str | None:
    """Return what git says, or None if it refuses."""
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else None


def base_commit() -> str:
    """Return the commit to compare with, or skip and say why there is none.

    On a branch it is where the branch left main. On main itself it is the last commit while there are changes that are
    not committed, else the commit before the last: what everybody had.
    """
    head = git("rev-parse", "HEAD")
    if head is None:
        pytest.skip("nothing to compare with: this is no git repository, or it has no commit yet")
    main = git("rev-parse", "--verify", "--quiet", f"origin/{MAIN}") or git("rev-parse", "--verify", "--quiet", MAIN)
    if main is None:
        pytest.skip(f"nothing to compare with: there is no branch {MAIN} here")
    base = git("merge-base", head, main)
    if base is None:
        pytest.skip(f"nothing to compare with: this clone is too shallow to know where it left {MAIN}")
    if base != head:
        return base
    if git("status", "--porcelain", "--", "proto/ora"):
        return head
    before = git("rev-parse", "--verify", "--quiet", f"{head}^1")
    if before is None:
        pytest.skip("nothing to compare with: this is the first commit, or the clone holds one commit alone")
    return before


@pytest.fixture
def base(tmp_path: Path, third_party: Path) -> Tree:
    commit = base_commit()
    if not git("ls-tree", commit, "proto/ora", "buf.yaml"):
        pytest.skip(f"nothing to compare with: {commit[:12]} has no contracts yet")
    packed = subprocess.run(
        ["git", "archive", commit, "proto/ora", "buf.yaml"], cwd=ROOT, capture_output=True, check=True
    )
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
        archive.extractall(tmp_path / "archive", filter="data")
    archived = tmp_path / "archive"
    return make_tree(tmp_path / "base", archived / "proto", archived / "buf.yaml", third_party)


def test_the_contracts_break_nobody_on_main(tree: Tree, base: Tree) -> None:
    tree.check_breaking(base)


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("ora/fleet/v1/hub_records.proto", "bytes peer_id = 1", "bytes peer_id = 9"),
        ("ora/fleet/v1/hub_records.proto", "bytes subject_digest = 2", "bytes subject_hash = 2"),
        ("ora/fleet/v1/hub_service.proto", "rpc ResumeHub(ResumeHubRequest)", "rpc ResumeHub(SuspendHubRequest)"),
        ("ora/backup/v1/container.proto", "  reserved 2;\n", ""),
    ],
)
def test_a_break_is_found(tree: Tree, scratch: Callable[[], Tree], file: str, old: str, new: str) -> None:
    changed = scratch()
    changed.edit(file, old, new)
    with pytest.raises(BufError, match=file.rpartition("/")[2]):
        changed.check_breaking(tree)


def test_an_addition_breaks_nobody(tree: Tree, scratch: Callable[[], Tree]) -> None:
    changed = scratch()
    changed.edit(
        "ora/backup/v1/layout.proto", "  uint32 height_mm = 5", "  uint32 width_mm = 6;\n  uint32 height_mm = 5"
    )
    changed.check_breaking(tree)
