"""Owns the SQL of peer lists; decides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fleet_svc.domain.peer_list import Peer, PeerList
from fleet_svc.domain.signing import Evidence

if TYPE_CHECKING:
    from asyncpg import Record

    from mesh.db import Tx
    from mesh.ids import HubId

GET: Final = """
SELECT owner_epoch, sequence, peer_ids, subject_digests, not_after_seconds, statement, signature, key_id, take_time
  FROM fleet.peer_list
 WHERE hub_id = $1
"""

PUT: Final = """
INSERT INTO fleet.peer_list (hub_id, owner_epoch, sequence, peer_ids, subject_digests, not_after_seconds, statement,
                             signature, key_id, take_time)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
    ON CONFLICT (hub_id) DO UPDATE
   SET owner_epoch = excluded.owner_epoch, sequence = excluded.sequence, peer_ids = excluded.peer_ids,
       subject_digests = excluded.subject_digests, not_after_seconds = excluded.not_after_seconds,
       statement = excluded.statement, signature = excluded.signature, key_id = excluded.key_id,
       take_time = excluded.take_time
"""


async def get(tx: Tx, hub_id: HubId) -> PeerList | None:
    """Return the list that holds."""
    row = await tx.fetchrow(GET, hub_id)
    if row is None:
        return None
    return PeerList(
        hub_id=hub_id,
        owner_epoch=row["owner_epoch"],
        sequence=row["sequence"],
        peers=peers_of(row),
        evidence=Evidence(statement=row["statement"], signature=row["signature"], key_id=row["key_id"]),
        take_time=row["take_time"],
    )


async def put(tx: Tx, peer_list: PeerList) -> None:
    """Make ``peer_list`` the one that holds."""
    signed = peer_list.evidence
    await tx.execute(
        PUT,
        peer_list.hub_id,
        peer_list.owner_epoch,
        peer_list.sequence,
        [each.peer_id for each in peer_list.peers],
        [each.subject_digest for each in peer_list.peers],
        [each.not_after_seconds for each in peer_list.peers],
        signed.statement,
        signed.signature,
        signed.key_id,
        peer_list.take_time,
    )


def peers_of(row: Record) -> tuple[Peer, ...]:
    """Return the peers that a row's three arrays hold; none where there is no list."""
    columns = (row["peer_ids"] or (), row["subject_digests"] or (), row["not_after_seconds"] or ())
    return tuple(
        Peer(peer_id=peer_id, subject_digest=digest, not_after_seconds=until)
        for peer_id, digest, until in zip(*columns, strict=True)
    )
