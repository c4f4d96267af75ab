"""The coverage-guided fuzzer of the relay's core: `make fuzz-relay`. It needs atheris, which the suite does not.

What it finds goes to `.fuzz/`; what is new in coverage is merged into tests/fuzz/corpus/relay, which the suite replays.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris  # type: ignore[import-not-found, import-untyped, unused-ignore]

with atheris.instrument_imports(include=["relay"]):
    from tests.fuzz.relay_targets import LONGEST, one

CORPUS = Path(__file__).parent / "corpus" / "relay"

if __name__ == "__main__":
    atheris.Setup([sys.argv[0], f"-max_len={LONGEST}", *sys.argv[1:]], one)
    atheris.Fuzz()
