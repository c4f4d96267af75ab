"""Owns what an audit entry says and how entries hang together; knows no call, no clock and no database."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

CONTEXT: Final = b"ora fleet audit v1"
_SEQUENCE_BYTES: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One change. Digests are hex, empty where there is nothing."""

    method: str
    # `workload:{name}`, `hub:{id}` or `person:{issuer} {subject}`, with the workload that called for them.
    actor: str
    caller: str
    resource: str
    request_digest: str
    evidence_digest: str
    trace: str
    time: str

    def encode(self) -> bytes:
        """Return the one encoding."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def digest(previous: bytes, sequence: int, entry: bytes) -> bytes:
    """Return what closes over an entry and all before it."""
    return hashlib.sha256(CONTEXT + b"\0" + previous + sequence.to_bytes(_SEQUENCE_BYTES, "big") + entry).digest()


def first_break(entries: Iterable[tuple[int, bytes, bytes, bytes]]) -> int | None:
    """Return the place of the first entry (sequence, entry, previous, digest) that does not hold; None: all do."""
    before, last = bytes(32), 0
    for sequence, entry, previous, made in entries:
        if sequence != last + 1 or previous != before or made != digest(previous, sequence, entry):
            return last + 1
        before, last = made, sequence
    return None
