"""Owns how a person is named on a Hub's peer list without being named. Knows no token."""

from __future__ import annotations

import hashlib
from typing import Final

_CONTEXT: Final = b"ora peer v1"


def subject_digest(hub_id: bytes, issuer: str, subject: str) -> bytes:
    """Return SHA-256 of `ora peer v1` ‖ 0x00 ‖ hub_id ‖ issuer ‖ 0x00 ‖ subject."""
    return hashlib.sha256(_CONTEXT + b"\x00" + hub_id + issuer.encode() + b"\x00" + subject.encode()).digest()
