"""Owns the portal's signing keys on a developer's machine: made once, with a root that the portal itself never sees."""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from ora.common.v1.signed_record_pb2 import SignedRecord
from ora.portal.v1 import signing_key_statement_pb2 as pb

from devstack.home import write_private

if TYPE_CHECKING:
    from pathlib import Path

PURPOSES: Final = (
    pb.SIGNING_KEY_PURPOSE_HANDOVER,
    pb.SIGNING_KEY_PURPOSE_ERASURE,
    pb.SIGNING_KEY_PURPOSE_AUDIT,
)
CONTEXT: Final = b"ora signing key v1"
_DAY_MS: Final = 86_400_000
_GOOD_DAYS: Final = 3650


def make(folder: Path, root_folder: Path) -> list[str]:
    """Make what is missing in the portal's folder, and the root beside it; return what was made."""
    for each in (folder, root_folder):
        each.mkdir(parents=True, exist_ok=True, mode=0o700)
    root = _root(root_folder / "portal-root.key")
    (folder / "root.pub").write_text(f"{root.public_key().public_bytes_raw().hex()}\n", encoding="ascii")
    there = {
        pb.SigningKeyStatement.FromString(SignedRecord.FromString(path.read_bytes()).statement).purpose
        for path in folder.glob("*.record")
    }
    missing = [each for each in PURPOSES if each not in there]
    for purpose in missing:
        add(folder, root, purpose)
    return [pb.SigningKeyPurpose.Name(each).removeprefix("SIGNING_KEY_PURPOSE_").lower() for each in missing]


def add(folder: Path, root: Ed25519PrivateKey, purpose: pb.SigningKeyPurpose.ValueType, *, days: int = 0) -> str:
    """Make a key that is in force from ``days`` on; return its id."""
    key, now = Ed25519PrivateKey.generate(), int(time.time() * 1000)
    public = key.public_key().public_bytes_raw()
    statement = pb.SigningKeyStatement(
        purpose=purpose,
        public_key=public,
        # A clock that runs behind has the key too.
        not_before_ms=now + (days - 1) * _DAY_MS,
        not_after_ms=now + (days + _GOOD_DAYS) * _DAY_MS,
    ).SerializeToString(deterministic=True)
    record = SignedRecord(
        statement=statement,
        signature=root.sign(CONTEXT + b"\x00" + statement),
        key_id=_key_id(root.public_key().public_bytes_raw()),
    )
    name = _key_id(public).hex()
    write_private(folder / f"{name}.key", _pem(key))
    (folder / f"{name}.record").write_bytes(record.SerializeToString(deterministic=True))
    return name


def _root(path: Path) -> Ed25519PrivateKey:
    if not path.exists():
        write_private(path, _pem(Ed25519PrivateKey.generate()))
    key = load_pem_private_key(path.read_bytes(), None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError(f"{path.name} is no Ed25519 key")  # noqa: TRY004 - a wrong file, not a wrong type of ours
    return key


def _pem(key: Ed25519PrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _key_id(public: bytes) -> bytes:
    return hashlib.sha256(public).digest()[:8]
