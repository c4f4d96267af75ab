"""Owns the portal's signing keys on a developer's machine: made once, private to the stack's folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from devstack.home import write_private

if TYPE_CHECKING:
    from pathlib import Path

PURPOSES: Final = ("handover", "erasure")


def make(folder: Path) -> list[str]:
    """Make the keys that are missing; return their purposes."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    missing = [each for each in PURPOSES if not (folder / f"{each}.key").exists()]
    for each in missing:
        pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        write_private(folder / f"{each}.key", pem.decode())
    return missing
