"""Makes proto/golden: `python -m sdk.golden` writes what differs, `--check` only says it and exits 1."""

from __future__ import annotations

import argparse
import sys

from sdk.golden import backups, custodies, envelopes, headers, identifiers, index, messages, records
from sdk.golden.files import FOLDERS, ROOT, load


def main() -> int:
    """Make every vector and compare it with what is committed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a vector is stale")
    check = parser.parse_args().check
    committed = {vector.name: vector.binary for vector in load(envelopes.FOLDER)}
    made = [
        *envelopes.vectors(committed),
        *headers.vectors(),
        *records.vectors(),
        *identifiers.vectors(),
        *backups.vectors(),
        *messages.vectors(),
        *custodies.vectors({vector.name: vector.binary for vector in load(custodies.FOLDER)}),
    ]
    files = {path: content for vector in made for path, content in vector.files().items()}
    files[index.NAME] = index.of(made)
    present = {path for path in (index.NAME,) if (ROOT / path).exists()} | {
        path.relative_to(ROOT) for folder in FOLDERS for path in (ROOT / folder).glob("*") if path.is_file()
    }
    differing = sorted(
        path
        for path in files.keys() | present
        if path not in files or path not in present or (ROOT / path).read_bytes() != files[path]
    )
    for path in differing:
        sys.stdout.write(f"{'stale' if check else 'writes'} proto/golden/{path}\n")
        if check:
            continue
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        if path in files:
            (ROOT / path).write_bytes(files[path])
        else:
            (ROOT / path).unlink()
    return 1 if check and differing else 0


if __name__ == "__main__":
    sys.exit(main())
