"""Owns the recurring work of the portal: forgetting what was kept for a while only, and signing the audit."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from mesh import idempotency
from mesh.jobs import Job
from portal_svc.store import job_board, proofs

if TYPE_CHECKING:
    from mesh.db import Database
    from mesh.outbox import OutboxRelay
    from portal_svc.api.checkpoints import Checkpoints

RECEIPTS_KEPT: Final = timedelta(days=90)


def jobs_of(database: Database, outbox: OutboxRelay, checkpoints: Checkpoints) -> list[Job]:
    """Return the jobs."""

    async def sweep_requests(_now: datetime) -> None:
        await idempotency.sweep(database, "portal")

    async def sweep_outbox(_now: datetime) -> None:
        await outbox.sweep()

    async def sweep_proofs(now: datetime) -> None:
        async with database.platform() as tx:
            await proofs.sweep(tx, now, now - RECEIPTS_KEPT)

    async def sweep_discarded(now: datetime) -> None:
        async with database.platform() as tx:
            await job_board.forget_discarded(tx, now - RECEIPTS_KEPT)

    return [
        Job("sweep request records", timedelta(hours=1), sweep_requests),
        Job("sweep spent proofs", timedelta(hours=1), sweep_proofs),
        Job("sweep discarded tasks", timedelta(hours=6), sweep_discarded),
        Job("sweep outbox", timedelta(hours=6), sweep_outbox),
        Job("sign audit checkpoints", timedelta(minutes=5), checkpoints.sign_all),
    ]
