"""Owns the SQL of authorities and of what they have out; decides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple
from uuid import UUID

from fleet_svc.domain.certificate_authority import CertificateAuthority, Installed, Kind, State
from mesh.ids import HubId

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from asyncpg import Record

    from mesh.db import Tx

_COLUMNS: Final = (
    "authority_id, kind, state, key_label, csr_der, certificate_der, cross_certificates_der, not_before_time,"
    " not_after_time, revision, create_time, update_time"
)

INSERT: Final = f"""
INSERT INTO fleet.certificate_authority ({_COLUMNS})
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
    ON CONFLICT DO NOTHING
"""  # noqa: S608 - our own column list, as in each statement here

GET: Final = f"""
SELECT {_COLUMNS}
  FROM fleet.certificate_authority
 WHERE authority_id = $1
"""  # noqa: S608

LOCK: Final = f"""
SELECT {_COLUMNS}
  FROM fleet.certificate_authority
 WHERE authority_id = $1
   FOR NO KEY UPDATE
"""  # noqa: S608

IN_STATES: Final = f"""
SELECT {_COLUMNS}
  FROM fleet.certificate_authority
 WHERE state = ANY ($1::text[])
 ORDER BY create_time, authority_id
"""  # noqa: S608

PAGE: Final = f"""
SELECT {_COLUMNS}
  FROM fleet.certificate_authority
 WHERE $1::timestamptz IS NULL OR (create_time, authority_id) < ($1, $2::uuid)
 ORDER BY create_time DESC, authority_id DESC
 LIMIT $3
"""  # noqa: S608

SAVE: Final = """
UPDATE fleet.certificate_authority
   SET state = $2, certificate_der = $3, cross_certificates_der = $4, not_before_time = $5, not_after_time = $6,
       revision = $7, update_time = $8
 WHERE authority_id = $1
"""

# One change of all authorities at a time: what holds between them (one signs, a root outlives what it signed) stays so.
TURN: Final = "SELECT pg_advisory_xact_lock(hashtext('fleet.certificate_authority'))"

# Good: a Hub may still show it and is served. The date of a Hub revokes what is before it.
GOOD: Final = """
SELECT certificate.hub_id, certificate.serial
  FROM fleet.certificate
  JOIN fleet.hub USING (hub_id)
 WHERE authority_id = $1 AND not_after_time > $2 AND revoke_time IS NULL
   AND (certificates_not_before IS NULL OR not_before_time >= certificates_not_before)
 LIMIT $3
"""

REVOKED: Final = """
SELECT serial, coalesce(revoke_time, certificates_not_before) AS time
  FROM fleet.certificate
  JOIN fleet.hub USING (hub_id)
 WHERE authority_id = $1 AND not_after_time > $2
   AND (revoke_time IS NOT NULL OR not_before_time < certificates_not_before)
 ORDER BY serial
"""

# The newest news of a list: an instant in the registry that is later than the list was made.
NEWS: Final = """
SELECT EXISTS (
       SELECT
         FROM fleet.certificate
         JOIN fleet.hub USING (hub_id)
        WHERE authority_id = $1 AND not_after_time > $2
          AND (revoke_time >= $3 OR (not_before_time < certificates_not_before AND hub.update_time >= $3)))
"""

GET_LIST: Final = """
SELECT crl_number, crl_der, make_time, next_update_time
  FROM fleet.revocation_list
 WHERE authority_id = $1
"""

PUT_LIST: Final = """
INSERT INTO fleet.revocation_list (authority_id, crl_number, crl_der, make_time, next_update_time)
VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (authority_id) DO UPDATE
   SET crl_number = excluded.crl_number, crl_der = excluded.crl_der, make_time = excluded.make_time,
       next_update_time = excluded.next_update_time
"""


class RevocationList(NamedTuple):
    """One list, as it was made."""

    crl_number: int
    crl_der: bytes
    make_time: datetime
    next_update_time: datetime


async def turn(tx: Tx) -> None:
    """Wait for the turn to change authorities; it is held for the rest of the transaction."""
    await tx.execute(TURN)


async def insert(tx: Tx, made: CertificateAuthority) -> bool:
    """Add one authority; False if its key is there already."""
    own = made.installed
    done: str = await tx.execute(
        INSERT,
        made.authority_id,
        made.kind,
        made.state,
        made.key_label,
        made.csr_der,
        own.certificate_der if own else None,
        list(own.cross_certificates_der) if own else [],
        own.not_before if own else None,
        own.not_after if own else None,
        made.revision,
        made.create_time,
        made.update_time,
    )
    return done == "INSERT 0 1"


async def get(tx: Tx, authority_id: UUID) -> CertificateAuthority | None:
    """Return one authority."""
    row = await tx.fetchrow(GET, authority_id)
    return None if row is None else _authority(row)


async def lock(tx: Tx, authority_id: UUID) -> CertificateAuthority | None:
    """Return one authority, held for the rest of the transaction."""
    row = await tx.fetchrow(LOCK, authority_id)
    return None if row is None else _authority(row)


async def in_states(tx: Tx, states: Collection[State]) -> list[CertificateAuthority]:
    """Return every authority in one of these states, oldest first."""
    return [_authority(row) for row in await tx.fetch(IN_STATES, list(states))]


async def signing(tx: Tx) -> CertificateAuthority | None:
    """Return the intermediate that signs."""
    found = await in_states(tx, [State.SIGNING])
    return found[0] if found else None


async def page(tx: Tx, *, before: tuple[datetime, UUID] | None, limit: int) -> list[CertificateAuthority]:
    """Return up to ``limit`` authorities, newest first."""
    time, last = before or (None, None)
    return [_authority(row) for row in await tx.fetch(PAGE, time, last, limit)]


async def save(tx: Tx, authority: CertificateAuthority) -> None:
    """Write what changes of an authority."""
    own = authority.installed
    await tx.execute(
        SAVE,
        authority.authority_id,
        authority.state,
        own.certificate_der if own else None,
        list(own.cross_certificates_der) if own else [],
        own.not_before if own else None,
        own.not_after if own else None,
        authority.revision,
        authority.update_time,
    )


async def good(tx: Tx, authority_id: UUID, *, now: datetime, limit: int) -> list[tuple[HubId, bytes]]:
    """Return up to ``limit`` certificates of an authority that a Hub may still show, as Hub and serial."""
    return [(HubId(row["hub_id"]), row["serial"]) for row in await tx.fetch(GOOD, authority_id, now, limit)]


async def revoked(tx: Tx, authority_id: UUID, *, now: datetime) -> list[tuple[bytes, datetime]]:
    """Return the serials of an authority's unexpired certificates that are revoked, and since when."""
    return [(row["serial"], row["time"]) for row in await tx.fetch(REVOKED, authority_id, now)]


async def has_news(tx: Tx, authority_id: UUID, *, since: datetime, now: datetime) -> bool:
    """Say whether a certificate of the authority was revoked since an instant."""
    found: bool = await tx.fetchval(NEWS, authority_id, now, since)
    return found


async def get_list(tx: Tx, authority_id: UUID) -> RevocationList | None:
    """Return the newest list of an authority."""
    row = await tx.fetchrow(GET_LIST, authority_id)
    return None if row is None else RevocationList(*row)


async def put_list(tx: Tx, authority_id: UUID, made: RevocationList) -> None:
    """Make ``made`` the newest list."""
    await tx.execute(PUT_LIST, authority_id, *made)


def _authority(row: Record) -> CertificateAuthority:
    installed = None
    if row["certificate_der"] is not None:
        installed = Installed(
            certificate_der=row["certificate_der"],
            cross_certificates_der=tuple(row["cross_certificates_der"]),
            not_before=row["not_before_time"],
            not_after=row["not_after_time"],
        )
    return CertificateAuthority(
        authority_id=UUID(str(row["authority_id"])),
        kind=Kind(row["kind"]),
        state=State(row["state"]),
        key_label=row["key_label"],
        csr_der=row["csr_der"],
        installed=installed,
        revision=row["revision"],
        create_time=row["create_time"],
        update_time=row["update_time"],
    )
