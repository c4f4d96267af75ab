"""Owns the portal's signing keys, read from a folder: which sign now, and what the offline root says of each.

In the folder: `root.pub` (the root's public key, 32 bytes in hex); for each key `{key_id}.record`, an encoded
SignedRecord of its SigningKeyStatement by the root, kept for as long as something it signed is to be checked;
`{key_id}.key`, the private half in PEM, while it signs; `{key_id}.withdrawn`, empty, if nothing that it signed is to be
believed any more.
A new key is put beside the old one before the old one ends, so that everybody has seen it by then.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from ora.common.v1.signed_record_pb2 import SignedRecord
from ora.portal.v1.signing_key_statement_pb2 import SigningKeyPurpose, SigningKeyStatement

from mesh.errors import UnavailableError
from mesh.signing import StatementError, is_signed_by, key_id_of, read, sign

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from google.protobuf.message import Message

    from mesh.clock import Now

CONTEXT: Final = b"ora signing key v1"


class Purpose(StrEnum):
    """What a key signs."""

    HANDOVER = "HANDOVER"
    ERASURE = "ERASURE"
    AUDIT = "AUDIT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A key, current or past, as the root says it."""

    key_id: bytes
    purpose: Purpose
    public_key: bytes
    not_before_ms: int
    not_after_ms: int
    record: SignedRecord
    withdrawn: bool


class Signer:
    """Signs the portal's statements, each with the newest key of its purpose that is in force."""

    def __init__(self, known: Sequence[Known], keys: Mapping[bytes, Ed25519PrivateKey], *, now: Now) -> None:
        # Newest first.
        self.known = sorted(known, key=lambda each: (each.not_before_ms, each.key_id), reverse=True)
        self._keys, self._now = keys, now
        for purpose in Purpose:
            self._current(purpose)

    @classmethod
    def from_folder(cls, folder: Path, *, now: Now) -> Signer:
        """Return the signer of a folder; ``ValueError`` if a key is none, or the root does not know it."""
        root = bytes.fromhex((folder / "root.pub").read_text(encoding="ascii"))
        known = {each.key_id: each for each in (_known(path, root) for path in sorted(folder.glob("*.record")))}
        keys = {}
        for path in folder.glob("*.key"):
            key = load_pem_private_key(path.read_bytes(), None)
            if not isinstance(key, Ed25519PrivateKey):
                raise ValueError(f"{path.name} is no Ed25519 key")  # noqa: TRY004 - a wrong file, not a wrong type of ours
            key_id = key_id_of(key.public_key().public_bytes_raw())
            if key_id not in known:
                raise ValueError(f"{path.name} has no statement of the root")
            keys[key_id] = key
        return cls(list(known.values()), keys, now=now)

    def sign(self, purpose: Purpose, context: bytes, statement: Message) -> SignedRecord:
        """Return the record of a statement."""
        return sign(self._keys[self._current(purpose).key_id], context, statement)

    def public_key(self, purpose: Purpose) -> bytes:
        """Return the public half of the key that signs now: Ed25519, 32 bytes."""
        return self._current(purpose).public_key

    def _current(self, purpose: Purpose) -> Known:
        now = int(self._now().timestamp() * 1000)
        for each in self.known:
            in_force = each.not_before_ms <= now < each.not_after_ms and not each.withdrawn
            if each.purpose is purpose and in_force and each.key_id in self._keys:
                return each
        raise UnavailableError(f"no key for {purpose} is in force", reason="SIGNING_KEY_MISSING")


def _known(path: Path, root: bytes) -> Known:
    record = SignedRecord.FromString(path.read_bytes())
    try:
        statement = read(record.statement, SigningKeyStatement)
    except StatementError as error:
        raise ValueError(f"{path.name} holds no statement: {error}") from None
    key_id = key_id_of(statement.public_key)
    if path.stem != key_id.hex() or not is_signed_by(root, CONTEXT, record.statement, record.signature):
        raise ValueError(f"{path.name} is not the root's word about this key")
    return Known(
        key_id=key_id,
        purpose=Purpose(SigningKeyPurpose.Name(statement.purpose).removeprefix("SIGNING_KEY_PURPOSE_")),
        public_key=statement.public_key,
        not_before_ms=statement.not_before_ms,
        not_after_ms=statement.not_after_ms,
        record=record,
        withdrawn=path.with_suffix(".withdrawn").exists(),
    )
