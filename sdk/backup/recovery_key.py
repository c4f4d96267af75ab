"""Owns the Recovery Key and what follows from it: locator, write key and slot secret. It knows no container.

The key itself is shown once and typed in again at a Hub; a Hub keeps `BackupKeys` and forgets the key.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

from sdk.backup import symbols
from sdk.keys import SEED_BYTES, SigningKey

LOCATOR_BYTES: Final = 16
SECRET_BYTES: Final = 32
QR_PREFIX: Final = "ORAR1:"
_SALT: Final = b"ora recovery key v1"


@dataclass(frozen=True, slots=True, repr=False)
class BackupKeys:
    """What a Hub keeps of a Recovery Key. No secret shows in a repr."""

    locator: bytes
    """16 bytes: where the cloud stores what this key opens."""
    writer: SigningKey
    """The write key: signs containers, deletion and keeping."""
    slot_secret: bytes
    """32 bytes: what Argon2id stretches to open a key slot."""

    def __repr__(self) -> str:
        return "BackupKeys(<hidden>)"


@dataclass(frozen=True, slots=True, repr=False)
class RecoveryKey:
    """128 bits that open a backup. They show in no repr."""

    raw: bytes

    def __post_init__(self) -> None:
        if len(self.raw) != symbols.KEY_BYTES:
            raise ValueError(f"a Recovery Key has {symbols.KEY_BYTES} bytes")

    def __repr__(self) -> str:
        return "RecoveryKey(<hidden>)"

    def text(self) -> str:
        """Return the 28 symbols, in 7 groups of 4."""
        return symbols.spell(self.raw)

    def qr_text(self) -> str:
        """Return what the QR code holds: 34 characters of QR's alphanumeric mode."""
        return QR_PREFIX + self.text().replace("-", "")

    def keys(self) -> BackupKeys:
        """Derive what a Hub keeps."""
        prk = HKDF.extract(SHA256(), _SALT, self.raw)
        return BackupKeys(
            locator=expand(prk, b"ora backup locator v1", LOCATOR_BYTES),
            writer=SigningKey(expand(prk, b"ora backup write v1", SEED_BYTES)),
            slot_secret=expand(prk, b"ora backup slot secret v1", SECRET_BYTES),
        )


def new_recovery_key() -> RecoveryKey:
    """Make a key from the system's randomness."""
    return RecoveryKey(secrets.token_bytes(symbols.KEY_BYTES))


def parse_recovery_key(text: str) -> RecoveryKey:
    """Read a key as typed, or as scanned from its QR code.

    Raises:
        RecoveryKeyError: it is not a key.
    """
    return RecoveryKey(symbols.read(text.strip().removeprefix(QR_PREFIX)))


def expand(prk: bytes, info: bytes, length: int) -> bytes:
    """HKDF-Expand with SHA-256 (RFC 5869 §2.3)."""
    return HKDFExpand(algorithm=SHA256(), length=length, info=info).derive(prk)
