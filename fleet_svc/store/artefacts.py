"""Owns the SQL of images and their pieces; decides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fleet_svc.domain.artefact import Artefact, State

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from asyncpg import Record

    from mesh.db import Tx

GET: Final = """
SELECT digest, length_bytes, committed_bytes, state, create_time, update_time
  FROM fleet.firmware_artefact
 WHERE digest = $1
"""

LOCK: Final = """
SELECT digest, length_bytes, committed_bytes, state, create_time, update_time
  FROM fleet.firmware_artefact
 WHERE digest = $1
   FOR NO KEY UPDATE
"""

LENGTHS: Final = """
SELECT digest, length_bytes
  FROM fleet.firmware_artefact
 WHERE digest = ANY ($1::bytea[]) AND state = 'READY'
   FOR KEY SHARE
"""

PUT: Final = """
INSERT INTO fleet.firmware_artefact (digest, length_bytes, committed_bytes, state, create_time, update_time)
VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (digest) DO UPDATE
   SET length_bytes = excluded.length_bytes, committed_bytes = excluded.committed_bytes, state = excluded.state,
       update_time = excluded.update_time
"""

ADD: Final = """
INSERT INTO fleet.firmware_piece (digest, offset_bytes, data)
VALUES ($1, $2, $3)
"""

# The piece that byte $2 is in.
PIECE: Final = """
SELECT offset_bytes, data
  FROM fleet.firmware_piece
 WHERE digest = $1 AND offset_bytes <= $2
 ORDER BY offset_bytes DESC
 LIMIT 1
"""

FORGET_PIECES: Final = """
DELETE FROM fleet.firmware_piece
 WHERE digest = $1
"""

SWEEP: Final = """
DELETE FROM fleet.firmware_artefact
 WHERE state <> 'READY' AND update_time < $1
"""


async def get(tx: Tx, digest: bytes) -> Artefact | None:
    """Return what is known of one image."""
    return _artefact(await tx.fetchrow(GET, digest))


async def lock(tx: Tx, digest: bytes) -> Artefact | None:
    """Return one image, held for the rest of the transaction."""
    return _artefact(await tx.fetchrow(LOCK, digest))


async def lengths(tx: Tx, digests: Sequence[bytes]) -> dict[bytes, int]:
    """Return the lengths of those images that are READY, which stay for the rest of the transaction."""
    return {row["digest"]: row["length_bytes"] for row in await tx.fetch(LENGTHS, digests)}


async def put(tx: Tx, artefact: Artefact) -> None:
    """Write what is known of one image."""
    await tx.execute(
        PUT,
        artefact.digest,
        artefact.length_bytes,
        artefact.committed_bytes,
        artefact.state,
        artefact.create_time,
        artefact.update_time,
    )


async def add(tx: Tx, digest: bytes, offset: int, data: bytes) -> None:
    """Store one piece."""
    await tx.execute(ADD, digest, offset, data)


async def read_from(tx: Tx, digest: bytes, offset: int) -> bytes:
    """Return some bytes from ``offset`` on; none beyond the end."""
    row = await tx.fetchrow(PIECE, digest, offset)
    return b"" if row is None else row["data"][offset - row["offset_bytes"] :]


async def forget_pieces(tx: Tx, digest: bytes) -> None:
    """Delete the bytes of one image."""
    await tx.execute(FORGET_PIECES, digest)


async def sweep(tx: Tx, before: datetime) -> None:
    """Forget uploads that rest since ``before``, and what was refused by then."""
    await tx.execute(SWEEP, before)


def _artefact(row: Record | None) -> Artefact | None:
    if row is None:
        return None
    return Artefact(
        digest=row["digest"],
        length_bytes=row["length_bytes"],
        committed_bytes=row["committed_bytes"],
        state=State(row["state"]),
        create_time=row["create_time"],
        update_time=row["update_time"],
    )
