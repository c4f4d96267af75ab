"""Owns the end of what a retired authority has out: each certificate is revoked, and every relay hears of it.

An authority is retired in one row; a hundred thousand revocations are a job's work, in transactions of a bounded size.
It looks at every retired authority, so a certificate that was being signed at that moment does not slip through.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ora.fleet.v1 import certificate_pb2

from fleet_svc.domain.certificate import Reason
from fleet_svc.domain.certificate_authority import State
from fleet_svc.store import authorities, certificates, hubs

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from fleet_svc.api.events import HubEvents
    from mesh.db import Database

_BATCH: Final = 200


async def revoke_of_retired(database: Database, events: HubEvents, *, now: datetime) -> int:
    """Revoke every good certificate of retired authorities; return how many were."""
    async with database.platform(read_only=True) as tx:
        retired = await authorities.in_states(tx, [State.RETIRED])
    total = 0
    for authority in retired:
        while done := await _batch(database, events, authority.authority_id, now=now):
            total += done
    return total


async def _batch(database: Database, events: HubEvents, authority_id: UUID, *, now: datetime) -> int:
    async with database.platform() as tx:
        good = sorted(await authorities.good(tx, authority_id, now=now, limit=_BATCH))
        for hub_id, serial in good:
            await hubs.lock(tx, hub_id)
            certificate = await certificates.get(tx, hub_id, serial)
            if certificate is not None and certificate.revoke_time is None:
                await certificates.revoke(tx, certificate.revoke(Reason.AUTHORITY_COMPROMISE, now=now))
                await events.certificate_revoked(
                    tx, hub_id, serial, certificate_pb2.REVOCATION_REASON_AUTHORITY_COMPROMISE
                )
    return len(good)
