"""Owns the hash tree over a container's head and chunks (as RFC 6962 §2.1), leaf by leaf. It knows no key."""

from __future__ import annotations

import hashlib


class HashTree:
    """A tree that is growing; it holds one hash for each power of two in the number of leaves."""

    def __init__(self) -> None:
        self._peaks: list[tuple[int, bytes]] = []

    def add(self, leaf: bytes) -> None:
        """Add a leaf: the head, then each sealed chunk in its order."""
        size, value = 1, hashlib.sha256(b"\0" + leaf).digest()
        while self._peaks and self._peaks[-1][0] == size:
            value = _node(self._peaks.pop()[1], value)
            size *= 2
        self._peaks.append((size, value))

    def root(self) -> bytes:
        """Return the root over all leaves so far, 32 bytes."""
        *rest, (_, value) = self._peaks
        for _, peak in reversed(rest):
            value = _node(peak, value)
        return value


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()
