"""Owns the command: `python -m gateway.openapi` writes docs/api; `--check` fails when what is committed is stale."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Final

from gateway.openapi import catalogue, document, source

if TYPE_CHECKING:
    from pathlib import Path

_FOLDER: Final = source.ROOT / "docs" / "api"


def files() -> dict[Path, str]:
    """Return every generated file with its content."""
    built = source.build()
    text = json.dumps(document.document(built), indent=1, ensure_ascii=False)
    return {_FOLDER / "openapi.json": text + "\n", _FOLDER / "errors.md": catalogue.markdown(built)}


def stale() -> list[Path]:
    """List the committed files that are not what the contracts give."""
    return [path for path, text in files().items() if not path.is_file() or path.read_text() != text]


def main() -> int:
    """Write, or only compare."""
    parser = argparse.ArgumentParser(prog="python -m gateway.openapi", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when the committed files are stale")
    if parser.parse_args().check:
        found = stale()
        for path in found:
            sys.stderr.write(f"stale: {path.relative_to(source.ROOT)}; `python -m gateway.openapi` writes it\n")
        return 1 if found else 0
    _FOLDER.mkdir(parents=True, exist_ok=True)
    for path, text in files().items():
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
