"""Builds every package into `dist`: `python -m proto.tools.packages`. Writes `SHA256SUMS` beside them."""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

from proto.tools.firmware.descriptors import ROOT
from proto.tools.packages import firmware, npm, wheels


def build() -> dict[str, bytes]:
    """Return every package by its file name."""
    return {**wheels.build(), **firmware.build(), **npm.build()}


def main() -> None:
    """Build, and say what there is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="the folder; default: dist")
    out: Path = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    lines = []
    for name, content in sorted(build().items()):
        (out / name).write_bytes(content)
        lines.append(f"{hashlib.sha256(content).hexdigest()}  {name}\n")
        print(f"{len(content):>10,}  {name}")
    (out / "SHA256SUMS").write_text("".join(lines))


if __name__ == "__main__":
    main()
