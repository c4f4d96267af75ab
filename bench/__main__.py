"""Owns the command: `python -m bench [SUITE…] [--quick]` measures, prints, and writes `docs/benchmarks.md`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from bench import document, suites
from bench.processes import ROOT, raise_open_files

_PORT = 23_700


def main() -> int:
    """Run the suites; exit 1 when something does not hold that must."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("suites", nargs="*", help=f"any of: {', '.join(suites.names())}; none: all")
    parser.add_argument("--quick", action="store_true", help="a short run, which writes nothing")
    parser.add_argument("--only", action="append", default=[], metavar="PART", help="a part of a suite; writes nothing")
    parser.add_argument("--write", action="store_true", help="write even what a short run has found")
    parser.add_argument("--port", type=int, default=_PORT, help="the first port to use")
    given = parser.parse_args()
    unknown = set(given.suites) - set(suites.names())
    if unknown:
        parser.error(f"no such suite: {', '.join(sorted(unknown))}")
    state = Path(os.environ.get("ORA_HOME") or ROOT / ".ora") / "bench"
    state.mkdir(parents=True, exist_ok=True)
    raise_open_files()
    holds = True
    for name in given.suites or suites.names():
        options = suites.Options(quick=given.quick, state=state, port=given.port, only=frozenset(given.only))
        report = suites.load(name).run(options)
        print(report.section)
        holds = holds and report.holds
        if given.write or not (given.quick or given.only):
            write(name, report)
    return 0 if holds else 1


def write(name: str, report: suites.Report) -> None:
    """Put a report where people read it."""
    document.write(ROOT / "docs" / "benchmarks.md", name, report.section)
    for file, picture in report.pictures.items():
        path = ROOT / "docs" / "benchmarks" / file
        path.parent.mkdir(exist_ok=True)
        path.write_text(picture)


if __name__ == "__main__":
    sys.exit(main())
