"""The ways in which bytes may stand in a log, a table or a trace."""

from __future__ import annotations

import base64


def spellings(canary: bytes) -> list[bytes]:
    """Return the canary as it is, in hex, as Python prints it, and in base64 at each of the three offsets."""
    return [canary, canary.hex().encode(), repr(canary)[2:-1].encode(), *_base64(canary)]


def _base64(canary: bytes) -> list[bytes]:
    """Return what base64 makes of it, less the characters that neighbours change."""
    spelt = []
    for offset in range(3):
        whole = bytes(offset) + canary
        spelt += [base64.b64encode(whole)[4:40], base64.urlsafe_b64encode(whole)[4:40]]
    return spelt
