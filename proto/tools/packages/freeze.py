"""Keeps what a version promised, in proto/compat/{version}: `python -m proto.tools.packages.freeze` at each release.

`vectors.tsv` names every golden vector, the SHA-256 of its bytes and how it ends; `sizes.tsv` the bounds that firmware
is compiled with. Nothing in a folder that is there is ever written again. `--check` compares today with every version.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from typing import TYPE_CHECKING, Final

from proto.tools.firmware.descriptors import ROOT
from proto.tools.firmware.sizes import FILE as SIZES
from proto.tools.packages.sources import version
from sdk.golden.files import FOLDERS, load

if TYPE_CHECKING:
    from collections.abc import Mapping

KEPT: Final = ROOT / "proto" / "compat"
_HEAD: Final = "# vector\tSHA-256 of its bytes\thow it ends\n"
_ENDINGS: Final = ("expect", "relay")

Promises = dict[str, tuple[str, str]]


def today() -> Promises:
    """Return what every vector is and how it ends now, by name."""
    return {
        f"{vector.folder}/{vector.name}": (
            hashlib.sha256(vector.binary).hexdigest(),
            " ".join(str(vector.facts[each]) for each in _ENDINGS if each in vector.facts) or "-",
        )
        for folder in FOLDERS
        for vector in load(folder)
    }


def read(text: str) -> Promises:
    """Read a `vectors.tsv`."""
    rows = (line.split("\t") for line in text.splitlines() if line and not line.startswith("#"))
    return {name: (digest, ending) for name, digest, ending in rows}


def broken(promised: Promises, current: Mapping[str, tuple[str, str]]) -> list[str]:
    """Name the vectors of ``promised`` that are gone, are other bytes, or end otherwise."""
    return [
        f"{name}: {_what(kept, current.get(name))}"
        for name, kept in sorted(promised.items())
        if current.get(name) != kept
    ]


def _what(kept: tuple[str, str], found: tuple[str, str] | None) -> str:
    if found is None:
        return "gone"
    return "another ending" if found[0] == kept[0] else "other bytes"


def check() -> list[str]:
    """Compare today with every version that was kept."""
    current = today()
    return [
        f"since {path.parent.name}: {line}"
        for path in sorted(KEPT.glob("*/vectors.tsv"))
        for line in broken(read(path.read_text()), current)
    ]


def main() -> int:
    """Keep this version, or check all that were kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a promise is broken")
    if parser.parse_args().check:
        lines = check()
        sys.stdout.writelines(f"{line}\n" for line in lines)
        return 1 if lines else 0
    folder = KEPT / version()
    if folder.exists():
        sys.stderr.write(f"{version()} was kept before; a new version has a new number in proto/VERSION\n")
        return 1
    folder.mkdir(parents=True)
    rows = [f"{name}\t{digest}\t{ending}\n" for name, (digest, ending) in sorted(today().items())]
    (folder / "vectors.tsv").write_text(_HEAD + "".join(rows))
    (folder / "sizes.tsv").write_text((ROOT / SIZES).read_text())
    return 0


if __name__ == "__main__":
    sys.exit(main())
