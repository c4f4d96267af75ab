"""Owns what holds in every database of ours, whatever was going on: asked after a restore, before anybody connects.

Each question returns what breaks it; an answer with rows is a finding. Asked as the administrator, since they look
across services and tenants, which no service may.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import asyncpg

from devstack.bootstrap import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

QUESTIONS: Final[Mapping[str, str]] = {
    "a home in handover is held with its epoch": """
        SELECT p.project_id, p.lock_epoch, h.lock_epoch AS held
          FROM portal.project p LEFT JOIN fleet.update_hold h USING (hub_id)
         WHERE p.state = 'PENDING_HANDOVER' AND (h.reason IS NULL OR h.lock_epoch <> p.lock_epoch)""",
    "a project has one live AccessKey at most": """
        SELECT project_id FROM portal.access_key WHERE state IN ('ISSUED', 'CLAIMED')
         GROUP BY project_id HAVING count(*) > 1""",
    "a live AccessKey belongs to a home in handover": """
        SELECT k.access_key_id FROM portal.access_key k JOIN portal.project p USING (project_id)
         WHERE k.state IN ('ISSUED', 'CLAIMED') AND p.state <> 'PENDING_HANDOVER'""",
    "what is stripped holds no text, no key and no Hub": """
        SELECT project_id FROM portal.project
         WHERE state = 'STRIPPED' AND num_nonnulls(sealed, data_key, hub_id) > 0""",
    "custody of what is stripped is destroyed": """
        SELECT c.project_id FROM portal.custody c JOIN portal.project p USING (project_id)
         WHERE p.state = 'STRIPPED' AND c.state <> 'DESTROYED'""",
    "every audit chain is whole": """
        SELECT tenant_id, sequence
          FROM (SELECT tenant_id, sequence, previous_digest,
                       lag(digest) OVER chain AS before, lag(sequence) OVER chain AS last
                  FROM portal.audit_entry WINDOW chain AS (PARTITION BY tenant_id ORDER BY sequence)) linked
         WHERE sequence <> coalesce(last, 0) + 1 OR (last IS NOT NULL AND previous_digest <> before)""",
    "consent is of the owner of now": """
        SELECT c.hub_id FROM fleet.consent c LEFT JOIN fleet.owner_key o USING (hub_id, owner_epoch)
         WHERE o.hub_id IS NULL""",
    "a Hub that is decommissioned has no consent": """
        SELECT c.hub_id FROM fleet.consent c JOIN fleet.hub h USING (hub_id) WHERE h.state = 'DECOMMISSIONED'""",
}
SCHEMAS: Final = {"portal": "portal_svc", "fleet": "fleet_svc", "ingest": "ingest_svc", "backup": "backup_svc"}


async def broken(url: str) -> dict[str, int]:
    """Return how many rows break each invariant; empty: all hold."""
    database = await asyncpg.connect(url)
    try:
        # Row security is forced on owners; only who passes it by sees every tenant.
        if not await database.fetchval("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"):
            raise PermissionError("the role of this address does not see every tenant")
        found = {name: len(await database.fetch(question)) for name, question in QUESTIONS.items()}
        found |= {f"migrations of {schema}": await _missing(database, schema) for schema in SCHEMAS}
    finally:
        await database.close()
    return {name: count for name, count in found.items() if count}


async def _missing(database: asyncpg.Connection[asyncpg.Record], schema: str) -> int:
    """Return how many migrations of this release the database does not have."""
    files = {each.name for each in (ROOT / SCHEMAS[schema] / "migrations").glob("*.sql")}
    rows = await database.fetch(f"SELECT name FROM {schema}.schema_migration")  # noqa: S608 - a name of ours
    return len({each.removesuffix(".sql") for each in files} - {Path(row["name"]).stem for row in rows})


def main() -> int:
    """Verify the database of an address: ``python -m deploy.restore.invariants URL``."""
    found = asyncio.run(broken(sys.argv[1]))
    for name, count in found.items():
        print(f"does not hold: {name} ({count})")
    if not found:
        print(f"{len(QUESTIONS) + len(SCHEMAS)} invariants hold")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
