"""Owns whether an owner lets Ora's support look at one Hub's numbers now. Reads no number and keeps no grant."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from ora.ingest.v1.support_grant_statement_pb2 import SupportGrantStatement

from mesh import signing
from mesh.errors import InvalidArgumentError, PermissionDeniedError, StateConflictError

if TYPE_CHECKING:
    from datetime import datetime

    from ora.common.v1.signed_record_pb2 import SignedRecord
    from ora.fleet.v1.admission_pb2 import Admission

    from mesh.ids import HubId

CONTEXT: Final = b"ora support grant v1"
LONGEST: Final = timedelta(days=14)


def granted(record: SignedRecord, hub_id: HubId, admission: Admission | None, now: datetime) -> SupportGrantStatement:
    """Return the grant if it is of this Hub's owner and holds now, or refuse."""
    try:
        grant = signing.read(record.statement, SupportGrantStatement)
    except signing.StatementError as error:
        raise InvalidArgumentError.field("grant.statement", str(error)) from error
    if grant.hub_id != hub_id.bytes:
        raise PermissionDeniedError("the grant is another Hub's", reason="GRANT_FOREIGN")
    if admission is None or not admission.owner_epoch:
        raise StateConflictError("the Hub has no owner", reason="KEY_UNKNOWN")
    owner = admission.owner_public_key
    if grant.owner_epoch != admission.owner_epoch or record.key_id != signing.key_id_of(owner):
        raise StateConflictError("the grant is not of the owner whom the Hub has now", reason="KEY_UNKNOWN")
    if not signing.is_signed_by(owner, CONTEXT, record.statement, record.signature):
        raise InvalidArgumentError(
            "the signature does not cover these bytes in this context", reason="SIGNATURE_INVALID"
        )
    left = grant.not_after_seconds - now.timestamp()
    if left <= 0:
        raise StateConflictError("the grant is over", reason="GRANT_EXPIRED")
    if left > LONGEST.total_seconds():
        raise InvalidArgumentError.field("grant.not_after_seconds", f"is more than {LONGEST.days} days ahead")
    return grant
