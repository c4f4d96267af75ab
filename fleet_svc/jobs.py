"""Owns the recurring work of fleet_svc: forgetting what was kept for a while only."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from fleet_svc import revoking
from fleet_svc.store import artefacts, certificates, imports
from mesh import idempotency
from mesh.jobs import Job

if TYPE_CHECKING:
    from fleet_svc.api.events import HubEvents
    from fleet_svc.api.manifest_service import ManifestService
    from fleet_svc.publishing import Publisher
    from fleet_svc.steering import Steering
    from mesh.consumer import Consumer
    from mesh.db import Database
    from mesh.outbox import OutboxRelay

# How long after its end a certificate may still be looked up.
_CERTIFICATES_KEPT: Final = timedelta(days=7)
# How long an upload may rest before it is given up.
_UPLOADS_KEPT: Final = timedelta(days=7)


def jobs_of(
    database: Database,
    outbox: OutboxRelay,
    manifests: ManifestService,
    portal: Consumer,
    publisher: Publisher,
    steering: Steering,
    events: HubEvents,
) -> list[Job]:
    """Return the jobs."""

    async def revoke_of_retired(now: datetime) -> None:
        await revoking.revoke_of_retired(database, events, now=now)

    async def steer_rollouts(now: datetime) -> None:
        await steering.steer(database, now=now)

    async def renew_metadata(now: datetime) -> None:
        async with database.platform() as tx:
            await publisher.renew(tx, now=now)

    async def cancel_stale_imports(now: datetime) -> None:
        async with database.platform(read_only=True) as tx:
            stale = await imports.stale(tx, now - _UPLOADS_KEPT)
        for import_id in stale:
            await manifests.cancel(import_id)

    return [
        Job("cancel stale imports", timedelta(hours=6), cancel_stale_imports),
        Job("revoke certificates of retired authorities", timedelta(seconds=10), revoke_of_retired),
        Job("steer rollouts", timedelta(seconds=10), steer_rollouts),
        Job("renew firmware metadata", timedelta(hours=1), renew_metadata),
        *_sweeps(database, outbox, portal),
    ]


def _sweeps(database: Database, outbox: OutboxRelay, portal: Consumer) -> list[Job]:
    async def sweep_requests(_now: datetime) -> None:
        await idempotency.sweep(database, "fleet")

    async def sweep_outbox(_now: datetime) -> None:
        await outbox.sweep()

    async def sweep_inbox(_now: datetime) -> None:
        await portal.sweep()

    async def sweep_certificates(now: datetime) -> None:
        async with database.platform() as tx:
            await certificates.sweep(tx, now - _CERTIFICATES_KEPT)

    async def sweep_artefacts(now: datetime) -> None:
        async with database.platform() as tx:
            await artefacts.sweep(tx, now - _UPLOADS_KEPT)

    return [
        Job("sweep artefacts", timedelta(hours=6), sweep_artefacts),
        Job("sweep inbox", timedelta(hours=6), sweep_inbox),
        Job("sweep request records", timedelta(hours=1), sweep_requests),
        Job("sweep certificates", timedelta(hours=6), sweep_certificates),
        Job("sweep outbox", timedelta(hours=6), sweep_outbox),
    ]
