"""Owns the SQL of certificates; decides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import UUID

from fleet_svc.domain.certificate import Certificate, Reason, Validity
from mesh.ids import HubId

if TYPE_CHECKING:
    from datetime import datetime

    from asyncpg import Record

    from mesh.db import Tx

INSERT: Final = """
INSERT INTO fleet.certificate (serial, hub_id, request_digest, chain_der, fingerprint, authority_id, not_before_time,
                               not_after_time, renew_after_time, create_time)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""

BY_SERIAL: Final = """
SELECT serial, hub_id, request_digest, chain_der, fingerprint, authority_id, not_before_time, not_after_time,
       renew_after_time, create_time, revoke_time, revocation_reason
  FROM fleet.certificate
 WHERE hub_id = $1 AND serial = $2
"""

BY_REQUEST: Final = """
SELECT serial, hub_id, request_digest, chain_der, fingerprint, authority_id, not_before_time, not_after_time,
       renew_after_time, create_time, revoke_time, revocation_reason
  FROM fleet.certificate
 WHERE hub_id = $1 AND request_digest = $2
"""

BY_FINGERPRINT: Final = """
SELECT serial, hub_id, request_digest, chain_der, fingerprint, authority_id, not_before_time, not_after_time,
       renew_after_time, create_time, revoke_time, revocation_reason
  FROM fleet.certificate
 WHERE hub_id = $1 AND fingerprint = $2
"""

PAGE: Final = """
SELECT serial, hub_id, request_digest, chain_der, fingerprint, authority_id, not_before_time, not_after_time,
       renew_after_time, create_time, revoke_time, revocation_reason
  FROM fleet.certificate
 WHERE hub_id = $1
   AND ($2::timestamptz IS NULL OR (create_time, serial) < ($2, $3::bytea))
 ORDER BY create_time DESC, serial DESC
 LIMIT $4
"""

# Those that a relay could still be shown.
COUNT_UNEXPIRED: Final = """
SELECT count(*)
  FROM fleet.certificate
 WHERE hub_id = $1 AND not_after_time > $2 AND ($3::timestamptz IS NULL OR not_before_time >= $3)
"""

REVOKE: Final = """
UPDATE fleet.certificate
   SET revoke_time = $2, revocation_reason = $3
 WHERE serial = $1
"""

REVOKE_ALL: Final = """
UPDATE fleet.certificate
   SET revoke_time = $2, revocation_reason = $3
 WHERE hub_id = $1 AND revoke_time IS NULL AND not_after_time > $2
"""

SWEEP: Final = """
DELETE FROM fleet.certificate
 WHERE not_after_time < $1
"""


async def insert(tx: Tx, made: Certificate) -> None:
    """Add one certificate."""
    await tx.execute(
        INSERT,
        made.serial,
        made.hub_id,
        made.request_digest,
        list(made.chain_der),
        made.fingerprint,
        made.authority_id,
        made.validity.not_before,
        made.validity.not_after,
        made.validity.renew_after,
        made.create_time,
    )


async def get(tx: Tx, hub_id: HubId, serial: bytes) -> Certificate | None:
    """Return one certificate of a Hub."""
    return _certificate(await tx.fetchrow(BY_SERIAL, hub_id, serial))


async def by_request(tx: Tx, hub_id: HubId, digest: bytes) -> Certificate | None:
    """Return the certificate that was issued for a request."""
    return _certificate(await tx.fetchrow(BY_REQUEST, hub_id, digest))


async def by_fingerprint(tx: Tx, hub_id: HubId, fingerprint: bytes) -> Certificate | None:
    """Return the certificate that a Hub shows."""
    return _certificate(await tx.fetchrow(BY_FINGERPRINT, hub_id, fingerprint))


async def page(tx: Tx, hub_id: HubId, *, before: tuple[datetime, bytes] | None, limit: int) -> list[Certificate]:
    """Return up to ``limit`` certificates of a Hub, newest first, older than ``before``."""
    time, serial = before or (None, None)
    return [_must(row) for row in await tx.fetch(PAGE, hub_id, time, serial, limit)]


async def count_unexpired(tx: Tx, hub_id: HubId, *, now: datetime, revoked_before: datetime | None) -> int:
    """Return how many certificates of a Hub are neither past their end nor revoked by their date."""
    count: int = await tx.fetchval(COUNT_UNEXPIRED, hub_id, now, revoked_before)
    return count


async def revoke(tx: Tx, certificate: Certificate) -> None:
    """Write a revocation."""
    await tx.execute(REVOKE, certificate.serial, certificate.revoke_time, certificate.reason)


async def revoke_all(tx: Tx, hub_id: HubId, reason: Reason, *, now: datetime) -> int:
    """Revoke all that are good; return how many were."""
    tag: str = await tx.execute(REVOKE_ALL, hub_id, now, reason)
    return int(tag.rsplit(maxsplit=1)[-1])


async def sweep(tx: Tx, before: datetime) -> None:
    """Delete what ended before an instant."""
    await tx.execute(SWEEP, before)


def _certificate(row: Record | None) -> Certificate | None:
    return None if row is None else _must(row)


def _must(row: Record) -> Certificate:
    reason = row["revocation_reason"]
    return Certificate(
        serial=row["serial"],
        hub_id=HubId(row["hub_id"]),
        request_digest=row["request_digest"],
        chain_der=tuple(row["chain_der"]),
        fingerprint=row["fingerprint"],
        authority_id=UUID(str(row["authority_id"])),
        validity=Validity(
            not_before=row["not_before_time"], not_after=row["not_after_time"], renew_after=row["renew_after_time"]
        ),
        create_time=row["create_time"],
        revoke_time=row["revoke_time"],
        reason=Reason(reason) if reason else None,
    )
