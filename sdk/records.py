"""Owns the statements that a Hub signs about itself: their bytes, contexts and checks. It knows no transport.

Formats: proto/ora/common/v1/signed_record.proto and proto/ora/fleet/v1/hub_records.proto.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.protobuf.message import DecodeError
from ora.common.v1 import signed_record_pb2 as record_pb
from ora.fleet.v1 import hub_records_pb2 as pb

from sdk.errors import MalformedError
from sdk.statements import Context, Signature, check_statement, sign_statement

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ora.common.v1.capability_pb2 import Capability

    from sdk.keys import HubKeys, SigningKey


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
