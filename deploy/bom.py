"""Owns the bill of materials and the licences: ``python -m deploy.bom`` writes ``dist/bom``, and fails at a licence.

One CycloneDX file for each family of images, made from the part of the lock that goes into it, and one table of the
licences of all. A licence that is not on the list of those that a product may be shipped with is an error.
"""

from __future__ import annotations

import sys
import tempfile
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Final

from deploy.check import tool
from deploy.images import context
from deploy.tools import environment
from devstack.bootstrap import ROOT

OUT: Final = ROOT / "dist" / "bom"
# What we may ship with: permissive licences, and weak copyleft of whole files (MPL).
_ALLOWED: Final = (
    *("apache", "mit", "bsd", "isc", "psf", "python software foundation", "mpl", "mozilla public", "unlicense"),
    *("zlib", "0bsd", "hpnd"),
)
_REFUSED: Final = ("gpl", "agpl", "sspl", "busl", "commons clause", "non-commercial")


def licence(package: str) -> str:
    """Return what a package says of its licence, in one line; ``UNKNOWN`` if it says nothing."""
    try:
        said = metadata(package)
    except PackageNotFoundError:
        return "NOT INSTALLED HERE"
    classifiers = [
        each.rpartition(" :: ")[2] for each in said.get_all("Classifier", ()) if each.startswith("License ::")
    ]
    text = (said["License-Expression"] or "; ".join(classifiers) or said["License"] or "").strip()
    return text.splitlines()[0] if text else "UNKNOWN"


def is_allowed(text: str) -> bool:
    """Tell whether a product may be shipped with this."""
    lower = text.lower()
    return any(each in lower for each in _ALLOWED) and not any(each in lower for each in _REFUSED)


def licences() -> dict[str, str]:
    """Return the licences of everything that is in an image, by package."""
    shipped: set[str] = set()
    for family in context.FAMILIES:
        shipped |= context.closure(context.direct(family))
    return {each: licence(each) for each in sorted(shipped)}


def main() -> int:
    """Write the files; return 1 if a licence stands in the way."""
    environment.make()
    OUT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        for family in context.FAMILIES:
            part = Path(scratch) / f"{family}.txt"
            part.write_text(context.lock(family))
            tool("cyclonedx-py", "requirements", part, "-o", OUT / f"{family}.cdx.json", "--output-reproducible")
    found = {name: text for name, text in licences().items() if text != "NOT INSTALLED HERE"}
    table = "".join(f"| {name} | {text} |\n" for name, text in found.items())
    (OUT / "licences.md").write_text(f"| package | licence |\n|---|---|\n{table}")
    wrong = {name: text for name, text in found.items() if not is_allowed(text)}
    for name, text in wrong.items():
        print(f"{name}: {text!r} is not a licence that we ship with", file=sys.stderr)
    print(f"wrote {OUT.relative_to(ROOT)}: {len(context.FAMILIES)} bills, {len(found)} licences")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
