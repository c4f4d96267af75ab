"""Owns signing the heads of audit chains: what was signed once cannot be told otherwise later."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ora.portal.v1.audit_entry_pb2 import AuditCheckpointStatement

from portal_svc.api.times import to_ms
from portal_svc.signer import Purpose
from portal_svc.store import audit, audit_reading

if TYPE_CHECKING:
    from datetime import datetime

    from mesh.db import Tx
    from mesh.ids import TenantId
    from portal_svc.api.desk import Desk

CONTEXT: Final = b"ora audit checkpoint v1"
# No proof is longer: a checkpoint is made after so many entries at the latest.
STRIDE: Final = 1000
_TENANTS_AT_ONCE: Final = 200


class Checkpoints:
    """Signs."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def sign_all(self, now: datetime) -> None:
        """Sign every chain that has grown: a job's work."""
        while True:
            async with self._desk.database.platform(read_only=True) as tx:
                found = await audit_reading.unsigned(tx, _TENANTS_AT_ONCE)
            for tenant in found:
                async with self._desk.database.tenant(tenant) as tx:
                    await self.sign(tx, tenant, now)
            if len(found) < _TENANTS_AT_ONCE:
                return

    async def sign(self, tx: Tx, tenant: TenantId, now: datetime) -> None:
        """Sign the head of a chain, and places on the way to it that are too far apart."""
        await audit.lock(tx, tenant)
        head, signed = await audit_reading.chain(tx, tenant)
        for sequence in [*range(signed + STRIDE, head, STRIDE), head] if head > signed else []:
            entry = await audit_reading.get(tx, tenant, sequence)
            if entry is None:
                return
            statement = AuditCheckpointStatement(
                tenant_id=tenant.bytes, sequence=sequence, digest=entry.digest, created_ms=to_ms(now)
            )
            record = self._desk.signer.sign(Purpose.AUDIT, CONTEXT, statement)
            await audit_reading.add_checkpoint(tx, tenant, sequence, record.SerializeToString(), to_ms(now))
