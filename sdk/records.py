"""Owns the statements that a Hub signs about itself: their bytes, contexts and checks. It knows no transport.

Formats: proto/ora/common/v1/signed_record.proto and proto/ora/fleet/v1/hub_records.proto.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from google.protobuf.message import DecodeError
from ora.common.v1 import signed_record_pb2 as record_pb
from ora.fleet.v1 import hub_records_pb2 as pb

from sdk.errors import MalformedError, RecordSignatureError
from sdk.keys import HubKeys, SigningKey, key_id, verifies

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ora.common.v1.capability_pb2 import Capability

PEER_CONTEXT: Final = b"ora peer v1"


class Context(Enum):
    """What a signature is for; signed before the statement, so that one statement cannot pass for another."""

    OWNER_KEY = b"ora owner key v1"
    CONSENT = b"ora consent v1"
    PEER_LIST = b"ora peer list v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """The two fields of a SignedRecord that are not the statement."""

    signature: bytes
    """Ed25519, 64 bytes."""
    key_id: bytes
    """8 bytes."""


def signed_message(context: Context, statement: bytes) -> bytes:
    """Return what is signed: context ‖ 0x00 ‖ statement."""
    return context.value + b"\0" + statement


def sign_statement(key: SigningKey, context: Context, statement: bytes) -> Signature:
    """Sign an encoded statement."""
    return Signature(signature=key.sign(signed_message(context, statement)), key_id=key_id(key.public()))


def check_statement(public: bytes, context: Context, statement: bytes, signature: Signature) -> None:
    """Check a statement against a raw Ed25519 public key (32 bytes).

    Raises:
        RecordSignatureError: another key, another context, or changed bytes.
    """
    if signature.key_id != key_id(public):
        raise RecordSignatureError("the record names another key")
    if not verifies(public, signature.signature, signed_message(context, statement)):
        raise RecordSignatureError("the record is not signed by this key in this context")


def sign_record(key: SigningKey, context: Context, statement: bytes) -> bytes:
    """Sign an encoded statement; return an encoded SignedRecord."""
    made = sign_statement(key, context, statement)
    record = record_pb.SignedRecord(statement=statement, signature=made.signature, key_id=made.key_id)
    return record.SerializeToString(deterministic=True)


def open_record(encoded: bytes, public: bytes, context: Context) -> bytes:
    """Check an encoded SignedRecord; return the encoded statement, exactly as it was signed.

    Raises:
        MalformedError: no SignedRecord.
        RecordSignatureError: it does not verify.
    """
    try:
        record = record_pb.SignedRecord.FromString(encoded)
    except DecodeError:
        raise MalformedError("no SignedRecord") from None
    check_statement(public, context, record.statement, Signature(signature=record.signature, key_id=record.key_id))
    return record.statement


def owner_key_record(hub: HubKeys) -> bytes:
    """Announce the Hub's owner key and epoch, signed by the device identity key; return an encoded SignedRecord."""
    statement = pb.OwnerKeyStatement(
        hub_id=hub.hub_id, owner_epoch=hub.owner_epoch, owner_public_key=hub.owner.public()
    )
    return sign_record(hub.identity, Context.OWNER_KEY, statement.SerializeToString(deterministic=True))


def consent_record(hub: HubKeys, *, sequence: int, capabilities: Iterable[Capability.ValueType]) -> bytes:
    """State all that the cloud may do for the Hub, signed by the owner key; return an encoded SignedRecord.

    ``sequence`` is larger than that of any consent of this owner epoch.
    """
    statement = pb.ConsentStatement(
        hub_id=hub.hub_id,
        owner_epoch=hub.owner_epoch,
        sequence=sequence,
        capabilities=sorted(set(capabilities)),
    )
    return sign_record(hub.owner, Context.CONSENT, statement.SerializeToString(deterministic=True))


def peer_list_record(hub: HubKeys, *, sequence: int, peers: Iterable[pb.Peer]) -> bytes:
    """State who may exchange envelopes with the Hub, signed by the owner key; return an encoded SignedRecord."""
    statement = pb.PeerListStatement(hub_id=hub.hub_id, owner_epoch=hub.owner_epoch, sequence=sequence, peers=peers)
    return sign_record(hub.owner, Context.PEER_LIST, statement.SerializeToString(deterministic=True))


def subject_digest(hub_id: bytes, issuer: str, subject: str) -> bytes:
    """Tie a peer to one person at one Hub without naming them; return 32 bytes.

    SHA-256 of `ora peer v1` ‖ 0x00 ‖ hub_id ‖ issuer ‖ 0x00 ‖ subject, both in UTF-8.
    """
    return hashlib.sha256(PEER_CONTEXT + b"\0" + hub_id + issuer.encode() + b"\0" + subject.encode()).digest()
