"""Refuses a changed bound of a message that Hubs speak: `python -m proto.tools.firmware.sizes`.

Firmware in the field was compiled with the old one. A longer field is no message there; a shorter one makes the cloud
refuse what old firmware says. `buf breaking` knows nothing of sizes. Compared are every released version
(proto/compat) and the commit that `proto/tools/breaking.py` compares with.
"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Final

from proto.tools.breaking import base
from proto.tools.firmware.descriptors import ROOT, compile_contracts, reduced
from proto.tools.firmware.tables import sizes

if TYPE_CHECKING:
    from pathlib import Path

RELEASED: Final = ROOT / "proto" / "compat"
FILE: Final = "proto/firmware/gen/sizes.tsv"

Bounds = dict[tuple[str, str], int]


def read(text: str) -> Bounds:
    """Read a `sizes.tsv`."""
    rows = (line.split("\t") for line in text.splitlines() if line and not line.startswith("#"))
    return {(message, field): int(most) for message, field, most in rows}


def changes(old: Bounds, new: Bounds) -> list[str]:
    """Say which bounds of ``old`` are others in ``new``. What is new or gone is for `buf breaking` to judge."""
    return [
        f"{message}.{field}: {most} became {new[message, field]}"
        for (message, field), most in sorted(old.items())
        if new.get((message, field), most) != most
    ]


def now(root: Path = ROOT) -> Bounds:
    """Return the bounds of the contracts below ``root``."""
    return read(sizes(reduced(compile_contracts(root))))


def main() -> int:
    """Compare, and name what changed."""
    current, wrong = now(), []
    for released in sorted(RELEASED.glob("*/sizes.tsv")):
        wrong += [f"since {released.parent.name}: {line}" for line in changes(read(released.read_text()), current)]
    commit = base()
    kept = subprocess.run(["git", "show", f"{commit}:{FILE}"], cwd=ROOT, capture_output=True, text=True, check=False)
    if kept.returncode == 0:
        wrong += [f"since {str(commit)[:12]}: {line}" for line in changes(read(kept.stdout), current)]
    for line in wrong:
        print(line)
    if wrong:
        print("Firmware in the field has the old size: give the new one a new field, or a new message.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
