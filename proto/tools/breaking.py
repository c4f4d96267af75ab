"""Compare the contracts with those of the main branch, offline: `buf breaking`, workspace against workspace.

The base is ``ORA_CONTRACT_BASE``, or else `origin/main` or `main`; the commit before it where it is the one that is
checked out. Third-party files are in no commit, so today's stand in.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
BUF: Final = Path(sys.executable).parent / "buf"


def commit_of(name: str) -> str | None:
    """Return the commit of a name; None where it names none."""
    found = subprocess.run(
        ["git", "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return found.stdout.strip() if found.returncode == 0 else None


def base() -> str | None:
    """Return the commit to compare with; None where there is none yet."""
    asked = os.environ.get("ORA_CONTRACT_BASE")
    if asked:
        return commit_of(asked) or sys.exit(f"ORA_CONTRACT_BASE names no commit: {asked}")
    found = commit_of("origin/main") or commit_of("main")
    untouched = (
        subprocess.run(["git", "diff", "--quiet", "HEAD", "--", "proto/ora"], cwd=ROOT, check=False).returncode == 0
    )
    if found == commit_of("HEAD") and untouched:
        return commit_of("HEAD^") or found  # a commit compared with itself breaks nothing
    return found


def main() -> int:
    """Compare; print what breaks."""
    commit = base()
    if commit is None:
        print("no main branch to compare the contracts with")
        return 1
    print(f"contracts compared with {commit[:12]}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        kept = subprocess.run(
            ["git", "archive", commit, "proto/ora", "buf.yaml"], cwd=ROOT, capture_output=True, check=True
        )
        with tarfile.open(fileobj=io.BytesIO(kept.stdout)) as archive:
            archive.extractall(folder, filter="data")
        shutil.copytree(ROOT / "third_party", Path(folder) / "third_party")
        return subprocess.run([BUF, "breaking", "--against", folder], cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
