"""Merges inputs into the corpus: the smallest that together reach everything that all of them reach in `relay/`.

`python -m tests.fuzz.relay_corpus FOLDER...` looks at these folders and at the corpus, and writes the corpus anew.
Without a folder it begins with every packet and every conversation of the unit tests.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.fuzz.relay_targets import TARGETS, broker_session, certificate, codec, header, hub_session, one, proxy
from tests.fuzz.test_relay_bytes import PACKETS, SAID
from tests.unit.relay.world import envelope

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

CORPUS = Path(__file__).parent / "corpus" / "relay"
_RELAY = str(Path(__file__).parents[2] / "relay")
_LONGEST_SEED = 1024


def seeds() -> Iterator[bytes]:
    """Give what people have written."""
    rows: list[tuple[Callable[[bytes, int], None], bytes]]
    rows = [(target, each) for target in (codec, hub_session, broker_session) for each in (*SAID, *PACKETS)]
    rows += [(header, envelope(message_id=bytes(16))), (header, b"x"), (certificate, b"\x30\x82\x00\x40\x30")]
    rows += [(proxy, bytes.fromhex("0d0a0d0a000d0a515549540a2111000cc00002017f000001303904d2"))]
    for target, raw in rows:
        for version in (0, 1):
            yield bytes((2 * TARGETS.index(target) + version,)) + raw[:_LONGEST_SEED]


def reached(raw: bytes) -> set[tuple[int, int, int]]:
    """Return the steps from line to line that an input takes."""
    found: set[tuple[int, int, int]] = set()

    def watch(frame: FrameType, event: str, _: Any) -> Any:
        if event == "call":
            if not frame.f_code.co_filename.startswith(_RELAY):
                return None
            last[id(frame)] = 0
        elif event == "line":
            key, line = id(frame), frame.f_lineno
            found.add((hash(frame.f_code.co_filename), last.get(key, 0), line))
            last[key] = line
        return watch

    last: dict[int, int] = {}
    sys.settrace(watch)
    try:
        one(raw)
    finally:
        sys.settrace(None)
    return found


def main(folders: list[str]) -> None:
    """Write the corpus."""
    places = [CORPUS, *map(Path, folders)]
    inputs = {each.read_bytes() for place in places if place.is_dir() for each in place.iterdir()}
    if not folders:
        inputs |= set(seeds())
    known: set[tuple[int, int, int]] = set()
    kept: list[bytes] = []
    for raw in sorted(inputs, key=lambda each: (len(each), each)):
        steps = reached(raw)
        if not steps <= known:
            known |= steps
            kept.append(raw)
    CORPUS.mkdir(parents=True, exist_ok=True)
    for each in CORPUS.iterdir():
        each.unlink()
    for raw in kept:
        (CORPUS / hashlib.sha1(raw, usedforsecurity=False).hexdigest()).write_bytes(raw)
    sys.stdout.write(f"{len(kept)} of {len(inputs)} inputs reach {len(known)} steps\n")


if __name__ == "__main__":
    main(sys.argv[1:])
