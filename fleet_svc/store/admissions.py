"""Owns the one query that tells what bears on admission; writes nothing and decides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fleet_svc.domain.admission import Facts
from fleet_svc.domain.capability import Capability
from fleet_svc.domain.hub import State
from fleet_svc.store.peer_lists import peers_of
from mesh.ids import HubId

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncpg import Record

    from mesh.db import Tx

READ: Final = """
SELECT hub.hub_id, hub.admission_version, hub.state, hub.certificates_not_before, consent.signed, consent.lowered,
       peer_list.peer_ids, peer_list.subject_digests, peer_list.not_after_seconds,
       update_hold.reason IS NOT NULL AS project_locked, coalesce(update_hold.lock_epoch, 0) AS lock_epoch,
       coalesce(owner_key.owner_epoch, 0) AS owner_epoch, coalesce(owner_key.owner_public_key, '') AS owner_public_key,
       ARRAY (SELECT serial
                FROM fleet.certificate
               WHERE certificate.hub_id = hub.hub_id AND revoke_time IS NOT NULL AND not_after_time > now()
                 AND (hub.certificates_not_before IS NULL OR not_before_time >= hub.certificates_not_before)
               ORDER BY serial) AS revoked_serials
  FROM fleet.hub
  LEFT JOIN fleet.owner_key USING (hub_id)
  LEFT JOIN fleet.consent USING (hub_id)
  LEFT JOIN fleet.peer_list USING (hub_id)
  LEFT JOIN fleet.update_hold USING (hub_id)
 WHERE hub_id = ANY ($1::uuid[])
"""


async def read(tx: Tx, hub_ids: Sequence[HubId]) -> list[Facts]:
    """Return the facts of those Hubs that the registry knows, all from one moment."""
    return [_facts(row) for row in await tx.fetch(READ, hub_ids)]


def _facts(row: Record) -> Facts:
    on = set(row["signed"] or ()) - set(row["lowered"] or ())
    return Facts(
        hub_id=HubId(row["hub_id"]),
        version=row["admission_version"],
        state=State(row["state"]),
        capabilities=frozenset(map(Capability, on)),
        peers=peers_of(row),
        certificates_not_before=row["certificates_not_before"],
        revoked_serials=tuple(row["revoked_serials"]),
        project_locked=row["project_locked"],
        lock_epoch=row["lock_epoch"],
        owner_epoch=row["owner_epoch"],
        owner_public_key=row["owner_public_key"],
    )
