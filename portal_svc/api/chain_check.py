"""Owns checking a whole audit chain and its checkpoints, as support asks for it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from ora.common.v1.signed_record_pb2 import SignedRecord
from ora.portal.v1 import operator_pb2
from ora.portal.v1.audit_entry_pb2 import AuditCheckpointStatement

from mesh.signing import is_signed_by
from portal_svc.api.checkpoints import CONTEXT
from portal_svc.store import audit_reading

if TYPE_CHECKING:
    from mesh.db import Tx
    from mesh.ids import TenantId
    from portal_svc.signer import Signer

_BATCH: Final = 500
_NOTHING: Final = bytes(32)


async def verify(tx: Tx, tenant: TenantId, signer: Signer) -> operator_pb2.AuditVerification:
    """Return how much was checked, and the first entry that does not fit."""
    found = operator_pb2.AuditVerification()
    place, previous, digests = 0, _NOTHING, {}
    while entries := await audit_reading.after(tx, tenant, place, _BATCH):
        for each in entries:
            said = hashlib.sha256(each.record).digest()
            wanted = hashlib.sha256(b"ora audit v1\x00" + previous + said).digest()
            joins = (each.sequence, each.previous_digest, each.digest) == (place + 1, previous, wanted)
            if not joins and not found.first_bad_sequence:
                found.first_bad_sequence = place + 1
            place, previous = each.sequence, each.digest
            digests[each.sequence] = each.digest
            found.entry_count += 1
    before = 0
    while page := await audit_reading.page_checkpoints(tx, tenant, before=before, limit=_BATCH):
        for sequence, encoded in page:
            found.checkpoint_count += 1
            if not _is_ours(signer, encoded, tenant, sequence, digests.get(sequence, b"")):
                bad = found.first_bad_sequence
                found.first_bad_sequence = min(bad, sequence) if bad else sequence
        before = page[-1][0]
    return found


def _is_ours(signer: Signer, encoded: bytes, tenant: TenantId, sequence: int, digest: bytes) -> bool:
    record = SignedRecord.FromString(encoded)
    said = AuditCheckpointStatement.FromString(record.statement)
    known = next((each for each in signer.known if each.key_id == record.key_id), None)
    return (
        known is not None
        and is_signed_by(known.public_key, CONTEXT, record.statement, record.signature)
        and (said.tenant_id, said.sequence, said.digest) == (tenant.bytes, sequence, digest)
    )
