"""Owns writing the audit: one entry for each change, in its transaction, in the chain of whose resource it is."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from ora.portal.v1.audit_entry_pb2 import AuditRecord

from mesh.call import CURRENT
from portal_svc.api import people
from portal_svc.api.times import to_ms
from portal_svc.store import audit as store

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from ora.common.v1.signed_record_pb2 import SignedRecord
    from ora.portal.v1.step_up_pb2 import StepUpEvidence

    from mesh.db import Tx
    from mesh.ids import TenantId


async def write(  # noqa: PLR0913 - each is a field of the entry
    tx: Tx,
    tenant: TenantId,
    resource: str,
    *,
    now: datetime,
    job: str = "",
    lock_epoch: int = 0,
    step_ups: Sequence[StepUpEvidence] = (),
    records: Sequence[SignedRecord] = (),
    ticket: str = "",
) -> bytes:
    """Write that the current call, or a job, changed ``resource``; return the SHA-256 of the entry's record."""
    call = CURRENT.get(None)
    kind, digest = people.actor(job)
    record = AuditRecord(
        created_ms=to_ms(now),
        actor_kind=kind,
        actor_digest=digest,
        action=f"job/{job}" if job or call is None else call.method.path.removeprefix("/"),
        resource=resource,
        lock_epoch=lock_epoch,
        outcome="OK",
        request_id=call.request_key.request_id if call and call.request_key and not job else "",
        step_ups=step_ups,
        ticket=ticket,
        statement_digests=[hashlib.sha256(each.statement).digest() for each in records],
    )
    return await store.append(tx, tenant, record)
