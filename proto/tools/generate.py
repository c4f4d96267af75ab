"""Compile the contracts: `proto/**.proto` to `proto/python`, and the descriptor set that the gateway reads.

Owns the generated tree. `--check` writes nothing and exits 1 when the committed tree is stale.
"""

from __future__ import annotations

import argparse
import filecmp
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
BUF: Final = Path(sys.executable).parent / "buf"
PYTHON_TREE: Final = ROOT / "proto" / "python"
DESCRIPTORS: Final = ROOT / "gateway" / "descriptors.binpb"


def compile_into(folder: Path) -> None:
    """Write the whole generated tree below ``folder``."""
    subprocess.run([sys.executable, "proto/tools/vendor_protos.py", "third_party"], cwd=ROOT, check=True)
    subprocess.run([BUF, "generate", "-o", folder], cwd=ROOT, check=True)
    for module in folder.rglob("*_pb2_grpc.py"):
        if "Stub:" not in module.read_text():  # the generators write one for every file, services or not
            module.unlink()
            module.with_suffix(".pyi").unlink()
    descriptors = folder / DESCRIPTORS.relative_to(ROOT)
    descriptors.parent.mkdir(parents=True)
    subprocess.run(
        [BUF, "build", "--exclude-source-info", "--as-file-descriptor-set", "-o", descriptors], cwd=ROOT, check=True
    )


def files_below(folder: Path) -> set[Path]:
    """Name every file below ``folder`` that a generator may have written."""
    return {p.relative_to(folder) for p in folder.rglob("*") if p.is_file() and "__pycache__" not in p.parts}


def stale(fresh: Path) -> list[Path]:
    """List what differs between the committed tree and ``fresh``."""
    tree = fresh / PYTHON_TREE.relative_to(ROOT)
    names = files_below(tree) | files_below(PYTHON_TREE)
    differing = [PYTHON_TREE / n for n in sorted(names) if not same(tree / n, PYTHON_TREE / n)]
    return differing + ([] if same(fresh / DESCRIPTORS.relative_to(ROOT), DESCRIPTORS) else [DESCRIPTORS])


def same(a: Path, b: Path) -> bool:
    """Tell whether both files exist and are equal."""
    return a.is_file() and b.is_file() and filecmp.cmp(a, b, shallow=False)


def main() -> int:
    """Compile, then replace what differs, or only say it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when the committed tree is stale")
    check = parser.parse_args().check
    with tempfile.TemporaryDirectory() as temporary:
        fresh = Path(temporary)
        compile_into(fresh)
        differing = stale(fresh)
        for path in differing:
            print(f"{'stale' if check else 'writes'} {path.relative_to(ROOT)}")
            if check:
                continue
            made = fresh / path.relative_to(ROOT)
            if made.is_file():
                path.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(made, path)
            else:
                path.unlink()
    return 1 if check and differing else 0


if __name__ == "__main__":
    sys.exit(main())
