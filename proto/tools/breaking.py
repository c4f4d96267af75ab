"""Compare the contracts with those of the main branch, offline: `buf breaking`, workspace against workspace.

The base is ``ORA_CONTRACT_BASE``, or `origin/main`, or `main`. Third-party files are in no commit, so today's stand in.
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


def base() -> str | None:
    """Return the commit to compare with; None where there is none yet."""
    for name in filter(None, (os.environ.get("ORA_CONTRACT_BASE"), "origin/main", "main")):
        found = subprocess.run(
            ["git", "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        if found.returncode == 0:
            return found.stdout.strip()
    return None


def main() -> int:
    """Compare; print what breaks."""
    commit = base()
    if commit is None:
        print("no main branch to compare the contracts with")
        return 1
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
