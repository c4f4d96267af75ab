"""Owns believing the portal: its keys by the offline root's word, and what they signed. It knows no transport.

An app and a Hub are built with the root's public key. They fetch the portal's keys from anybody and believe those that
the root signed, each for its purpose and its time, unless it is withdrawn.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from google.protobuf.message import DecodeError, Message
from ora.portal.v1 import erasure_receipt_pb2, handover_records_pb2
from ora.portal.v1 import signing_key_statement_pb2 as pb

from sdk.errors import MalformedError, RecordSignatureError
from sdk.keys import key_id
from sdk.statements import Context, Signature, check_statement

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ora.common.v1.signed_record_pb2 import SignedRecord
    from ora.portal.v1.signing_key_pb2 import SigningKey

M = TypeVar("M", bound=Message)

_DAY_MS: Final = 86_400_000
_PURPOSES: Final = {
    Context.LOCK_NOTICE: pb.SIGNING_KEY_PURPOSE_HANDOVER,
    Context.LOCK_RELEASE: pb.SIGNING_KEY_PURPOSE_HANDOVER,
    Context.CLAIM_GRANT: pb.SIGNING_KEY_PURPOSE_HANDOVER,
    Context.ERASURE_RECEIPT: pb.SIGNING_KEY_PURPOSE_ERASURE,
    Context.AUDIT_CHECKPOINT: pb.SIGNING_KEY_PURPOSE_AUDIT,
}


@dataclass(frozen=True, slots=True)
class PortalKeys:
    """The portal's keys that the root vouches for, by key id."""

    by_id: dict[bytes, pb.SigningKeyStatement]

    def open(self, record: SignedRecord, context: Context, kind: type[M]) -> M:
        """Return the statement that a key of the portal signed for this context.

        Raises:
            RecordSignatureError: no key of this purpose that the root vouches for signed these bytes.
            MalformedError: the bytes are no such statement.
        """
        known = self.by_id.get(record.key_id)
        if known is None or known.purpose != _PURPOSES[context]:
            raise RecordSignatureError("no key of the portal for this purpose has this id")
        signature = Signature(signature=record.signature, key_id=record.key_id)
        check_statement(known.public_key, context, record.statement, signature)
        return _parsed(record.statement, kind)

    def require_in_force(self, record: SignedRecord, at_ms: int) -> None:
        """Refuse what says that it was signed when its key was not in force: the time is the signer's word.

        Raises:
            RecordSignatureError: it was not.
        """
        known = self.by_id[record.key_id]
        if not known.not_before_ms <= at_ms < known.not_after_ms:
            raise RecordSignatureError("the key was not in force then")


def trusted(root_public: bytes, keys: Iterable[SigningKey]) -> PortalKeys:
    """Return the keys that the root signed and nobody withdrew; leave out all others."""
    found = {}
    for key in keys:
        record = key.record
        try:
            signature = Signature(signature=record.signature, key_id=record.key_id)
            check_statement(root_public, Context.SIGNING_KEY, record.statement, signature)
            statement = _parsed(record.statement, pb.SigningKeyStatement)
        except (RecordSignatureError, MalformedError):
            continue
        if not key.withdrawn:
            found[key_id(statement.public_key)] = statement
    return PortalKeys(found)


def open_lock_notice(record: SignedRecord, keys: PortalKeys) -> handover_records_pb2.LockNoticeStatement:
    """Check a lock notice; return it."""
    notice = keys.open(record, Context.LOCK_NOTICE, handover_records_pb2.LockNoticeStatement)
    keys.require_in_force(record, notice.created_ms)
    return notice


def open_claim_grant(record: SignedRecord, keys: PortalKeys) -> handover_records_pb2.ClaimGrantStatement:
    """Check which claim the portal has bound; return its word."""
    grant = keys.open(record, Context.CLAIM_GRANT, handover_records_pb2.ClaimGrantStatement)
    keys.require_in_force(record, grant.created_ms)
    return grant


def open_erasure_receipt(
    record: SignedRecord, keys: PortalKeys, resource: str
) -> erasure_receipt_pb2.ErasureReceiptStatement:
    """Check that this is the proof of the erasure of ``resource``; return it.

    Raises:
        RecordSignatureError: it is not signed, or is about something else.
    """
    said = keys.open(record, Context.ERASURE_RECEIPT, erasure_receipt_pb2.ErasureReceiptStatement)
    keys.require_in_force(record, (said.erase_day + 1) * _DAY_MS - 1)
    if said.resource_digest != erased_digest(resource):
        raise RecordSignatureError("the receipt is about something else")
    return said


def erased_digest(resource: str) -> bytes:
    """Return by what the proof of a resource's erasure is found: SHA-256 of `ora erased v1` ‖ 0x00 ‖ its name."""
    return hashlib.sha256(b"ora erased v1\x00" + resource.encode()).digest()


def _parsed(encoded: bytes, kind: type[M]) -> M:
    statement = kind()
    try:
        statement.ParseFromString(encoded)
    except DecodeError:
        raise MalformedError("the record holds no such statement") from None
    return statement
