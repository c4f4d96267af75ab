"""Owns the strict reading of the statements that Hubs sign: their bytes to the domain's records; verifies no signature.

One sequence of bytes has one meaning: a statement that another parser could read differently (a field twice, a field
out of order) is refused. Fields that this version does not know are kept, because the signature covers them.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final, TypeVar

import protovalidate
from google.protobuf.message import DecodeError, Message
from ora.fleet.v1 import hub_records_pb2 as pb

from fleet_svc.api.capabilities import from_proto
from fleet_svc.domain.consent import Consent
from fleet_svc.domain.owner_key import OwnerKey
from fleet_svc.domain.peer_list import Peer, PeerList
from fleet_svc.domain.signing import Evidence
from mesh.errors import InvalidArgumentError, PermissionDeniedError
from mesh.ids import HubId

if TYPE_CHECKING:
    from ora.common.v1 import signed_record_pb2


Statement = TypeVar("Statement", pb.OwnerKeyStatement, pb.ConsentStatement, pb.PeerListStatement)

# The columns are signed 64-bit; a counter beyond it could never rise again.
_MOST: Final = 2**63 - 1
# 9999-12-31T23:59:59Z, the last instant of a google.protobuf.Timestamp.
_LAST_SECOND: Final = 253_402_300_799


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementReader:
    """Reads statements of one Hub at one moment."""

    hub_id: HubId
    now: datetime
    open_gates: Collection[str] = field(default=frozenset())

    def owner_key(self, record: signed_record_pb2.SignedRecord) -> OwnerKey:
        """Return the owner key that the record gives."""
        statement = self._statement(record, pb.OwnerKeyStatement())
        return OwnerKey(
            hub_id=self.hub_id,
            owner_epoch=_counter(statement.owner_epoch),
            public_key=statement.owner_public_key,
            evidence=_evidence(record),
            take_time=self.now,
        )

    def consent(self, record: signed_record_pb2.SignedRecord) -> Consent:
        """Return the consent that the record gives."""
        statement = self._statement(record, pb.ConsentStatement())
        return Consent(
            hub_id=self.hub_id,
            owner_epoch=_counter(statement.owner_epoch),
            sequence=_counter(statement.sequence),
            signed=from_proto(statement.capabilities, open_gates=self.open_gates),
            evidence=_evidence(record),
            take_time=self.now,
        )

    def peer_list(self, record: signed_record_pb2.SignedRecord) -> PeerList:
        """Return the list that the record gives."""
        statement = self._statement(record, pb.PeerListStatement())
        if len({each.peer_id for each in statement.peers}) != len(statement.peers):
            raise _invalid("a session is on the list twice")
        return PeerList(
            hub_id=self.hub_id,
            owner_epoch=_counter(statement.owner_epoch),
            sequence=_counter(statement.sequence),
            peers=tuple(_peer(each) for each in statement.peers),
            evidence=_evidence(record),
            take_time=self.now,
        )

    def _statement(self, record: signed_record_pb2.SignedRecord, empty: Statement) -> Statement:
        parsed = _parse(record.statement, empty)
        if parsed.hub_id != self.hub_id.bytes:
            raise PermissionDeniedError("the statement is about another Hub", reason="HUB_MISMATCH")
        return parsed


def _parse(encoded: bytes, empty: Statement) -> Statement:
    try:
        empty.ParseFromString(encoded)
    except DecodeError:
        raise _invalid("the statement is no message of its kind") from None
    if not _is_canonical(encoded, empty):
        raise _invalid("the statement is not in canonical encoding")
    if protovalidate.collect_violations(empty):
        raise _invalid("the statement is not as the contract says")
    return empty


def _is_canonical(encoded: bytes, parsed: Message) -> bool:
    return parsed.SerializeToString(deterministic=True) == encoded


def _peer(peer: pb.Peer) -> Peer:
    if peer.not_after_seconds > _LAST_SECOND:
        raise _invalid("not_after_seconds is beyond the year 9999")
    return Peer(peer_id=peer.peer_id, subject_digest=peer.subject_digest, not_after_seconds=peer.not_after_seconds)


def _counter(value: int) -> int:
    if value > _MOST:
        raise _invalid("an epoch or sequence is beyond 2^63 - 1")
    return value


def _evidence(record: signed_record_pb2.SignedRecord) -> Evidence:
    return Evidence(statement=record.statement, signature=record.signature, key_id=record.key_id)


def _invalid(message: str) -> InvalidArgumentError:
    return InvalidArgumentError(message, reason="STATEMENT_INVALID")
