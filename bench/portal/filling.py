"""Owns a million projects in ten thousand organisations, made in the database itself as the portal would leave them.

What is sealed in them is of the right length and opens for nobody, but for the organisations that are measured: theirs
has real keys. Triggers rest meanwhile, and the planner's statistics are fresh afterwards.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from ora.portal.v1.project_pb2 import Project as Personal

from mesh.ids import TenantId, uuid7
from portal_svc.domain import words
from portal_svc.vault import Vault, seal_personal

if TYPE_CHECKING:
    from uuid import UUID

    from mesh.kms import Kms

_ORGANIZATIONS: Final = """
INSERT INTO portal.organization (tenant_id, display_name, business_number, country_code, contact_email, contact_phone,
                                 state, project_quota, search_key, revision, create_time, update_time)
SELECT md5('tenant ' || n)::uuid, 'Organisation ' || n, '', 'AU', '', '', 'ACTIVE', 1000000, 'k', 1, now(), now()
  FROM generate_series(1, $1::integer) AS n
"""
_MEMBERS: Final = """
INSERT INTO portal.member (member_id, tenant_id, account_id, subject_digest, display_name, email, role, state, revision,
                           join_time, update_time)
SELECT md5('member ' || n)::uuid, md5('tenant ' || n)::uuid, gen_random_uuid(), sha256(('member ' || n)::bytea), 'M',
       '', 'ADMIN', 'ACTIVE', 1, now(), now()
  FROM generate_series(1, $1::integer) AS n
"""
# Of ten: five drafts, two installing, one ready, one pending with its AccessKey, one stripped.
_PROJECTS: Final = """
INSERT INTO portal.project (project_id, tenant_id, owner_member_id, state, hub_id, lock_epoch, template_version, sealed,
                            data_key, revision, create_time, update_time, strip_time)
SELECT md5('project ' || n)::uuid, md5('tenant ' || t)::uuid,
       CASE WHEN s < 9 THEN md5('member ' || t)::uuid END,
       CASE WHEN s < 5 THEN 'DRAFT' WHEN s < 7 THEN 'INSTALLING' WHEN s = 7 THEN 'READY'
            WHEN s = 8 THEN 'PENDING_HANDOVER' ELSE 'STRIPPED' END,
       CASE WHEN s BETWEEN 5 AND 8 THEN md5('hub ' || n)::uuid END,
       CASE WHEN s >= 8 THEN 1 ELSE 0 END, '',
       CASE WHEN s < 9 THEN decode(repeat(md5(n::text), 10), 'hex') END,
       CASE WHEN s < 9 THEN decode(repeat(md5('k' || n), 5), 'hex') END,
       1, now() - n * interval '1 second', now() - n * interval '1 second', CASE WHEN s = 9 THEN now() END
  FROM (SELECT n, 1 + n % $2::integer AS t, (n / $2) % 10 AS s FROM generate_series(1, $1::integer) AS n) AS every
"""
_HANDOVERS: Final = """
INSERT INTO portal.handover (project_id, lock_epoch, tenant_id, mode, state, hub_id, access_key_id, generation,
                             lock_notice, initiate_time, expire_time, revision)
SELECT project_id, 1, tenant_id, 'LOCAL', 'PENDING', hub_id, md5('key ' || project_id)::uuid, 1,
       decode(repeat(md5(project_id::text), 12), 'hex'), now(), now() + interval '7 days', 1
  FROM portal.project WHERE state = 'PENDING_HANDOVER'
"""
_KEYS: Final = """
INSERT INTO portal.access_key (access_key_id, tenant_id, project_id, lock_epoch, generation, locator, auth_public_key,
                               suite, wrap_public_key, state, expire_time, create_time, revision)
SELECT md5('key ' || project_id)::uuid, tenant_id, project_id, 1, 1, row_number() OVER (),
       sha256(project_id::text::bytea), 'X25519', sha256(project_id::text::bytea), 'ISSUED',
       now() + interval '7 days', now(), 1
  FROM portal.project WHERE state = 'PENDING_HANDOVER'
"""
_LOCATORS: Final = """
INSERT INTO portal.live_locator (locator, tenant_id, project_id, access_key_id)
SELECT locator, tenant_id, project_id, access_key_id FROM portal.access_key
"""
_WORDS: Final = """
INSERT INTO portal.project_words (project_id, tenant_id, words)
SELECT project_id, tenant_id,
       ARRAY(SELECT decode(substring(md5(project_id::text || g) FOR 16), 'hex') FROM generate_series(1, 12) AS g)
  FROM portal.project WHERE sealed IS NOT NULL
"""
_STEPS: Final = (
    ("organisations", _ORGANIZATIONS, 2),
    ("members", _MEMBERS, 2),
    ("projects", _PROJECTS, 0),
    ("words", _WORDS, 1),
    ("handovers", _HANDOVERS, 1),
    ("keys", _KEYS, 1),
    ("locators", _LOCATORS, 1),
)
_COLUMNS: Final = (
    "project_id tenant_id owner_member_id state template_version sealed data_key revision create_time update_time"
)
SYLLABLES: Final = ("ba", "ke", "mi", "no", "tu", "ra", "le", "si", "do", "pu")


@dataclass(frozen=True, slots=True)
class Size:
    """How much there is."""

    tenants: int
    projects: int


async def fill(connection: Any, size: Size) -> None:
    """Make everything, as the superuser of the measurement."""
    await connection.execute("SET session_replication_role = replica")
    for _, statement, _ in _STEPS:
        numbers = [size.projects, size.tenants] if statement is _PROJECTS else []
        if statement in {_ORGANIZATIONS, _MEMBERS}:
            numbers = [size.tenants]
        await connection.execute(statement, *numbers, timeout=1200)
    await connection.execute("SET session_replication_role = origin")
    await connection.execute("VACUUM (ANALYZE)", timeout=1200)


async def furnish(connection: Any, kms: Kms, tenant: TenantId, owner: UUID, *, projects: int) -> None:
    """Give one organisation projects that open: for these the keys are real."""
    vault = Vault(kms)
    found = await connection.fetchrow("SELECT search_key FROM portal.organization WHERE tenant_id = $1", tenant)
    search = await kms.unwrap(found["search_key"], {"purpose": "search", "tenant": str(tenant)})
    rows, every = [], []
    for number in range(projects):
        project_id = uuid7()
        key = await vault.new_project_key(tenant, project_id)
        personal = Personal(display_name=f"Home {_word(number)}", notes=f"{_word(number * 7)} {_word(number * 13)}")
        at = datetime.now(UTC) - timedelta(minutes=number)
        sealed = seal_personal(key.plaintext, project_id, personal)
        rows.append((project_id, tenant, owner, "DRAFT", "", sealed, key.blob, 1, at, at))
        every.append((project_id, tenant, words.index(search, [personal.display_name, personal.notes])))
    copy = connection.copy_records_to_table
    await copy("project", schema_name="portal", columns=_COLUMNS.split(), records=rows)
    await copy("project_words", schema_name="portal", columns=["project_id", "tenant_id", "words"], records=every)
    await connection.execute("ANALYZE portal.project, portal.project_words")


def _word(number: int) -> str:
    return "".join(SYLLABLES[int(each)] for each in f"{number % 1000:03}")


def locator_of_nobody() -> int:
    """Return a locator that leads nowhere: the keys made here have the small numbers."""
    return (1 << 29) + secrets.randbelow(1 << 28)
