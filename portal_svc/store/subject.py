"""Owns the SQL that finds everything held on one person, and says of which columns it does; decides nothing.

Each statement answers for one table. $1 is who: the subject's digest, their own tenant or their member id, as said.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from uuid import UUID

    from mesh.db import Tx
    from mesh.ids import TenantId

# In the person's own tenant, which is $1.
ACCOUNT: Final = """
SELECT account_id, subject_digest, issuer, subject, signing_public_key, key_time, create_day
  FROM portal.account
 WHERE tenant_id = $1
"""
MEMBERSHIP: Final = """
SELECT organization_id, member_id
  FROM portal.membership
 WHERE tenant_id = $1
"""
CLAIMED_HANDOVER: Final = """
SELECT project_id, lock_epoch, project_tenant_id
  FROM portal.claimed_handover
 WHERE tenant_id = $1
"""
DATA_EXPORT: Final = """
SELECT export_id, state, size_bytes, digest, create_time, expire_time
  FROM portal.data_export
 WHERE tenant_id = $1
"""
ERASURE_REQUEST: Final = """
SELECT request_id, state, start_time, create_time
  FROM portal.erasure_request
 WHERE tenant_id = $1
"""
# In an organisation's tenant. $1: the member.
MEMBER: Final = """
SELECT member_id, account_id, subject_digest, display_name, email, role, state, join_time, update_time
  FROM portal.member
 WHERE member_id = $1
"""
LICENSE: Final = """
SELECT license_id, holder_member_id, number, jurisdiction, license_class, state, reject_reason, expire_time,
       verify_time, next_check_time, register_reference, create_time
  FROM portal.license
 WHERE holder_member_id = $1
"""
PROJECT: Final = """
SELECT project_id, owner_member_id, state, create_time
  FROM portal.project
 WHERE owner_member_id = $1
"""
PARTICIPANT: Final = """
SELECT participant_id, project_id, member_id, role, create_time
  FROM portal.participant
 WHERE member_id = $1
"""
CHECKLIST_ITEM: Final = """
SELECT checklist_item_id, project_id, closer_member_id, state, close_time
  FROM portal.checklist_item
 WHERE closer_member_id = $1
"""
PLAN_REVISION: Final = """
SELECT project_id, plan_id, number, author_member_id, create_time
  FROM portal.plan_revision
 WHERE author_member_id = $1
"""
INVITATION: Final = """
SELECT invitation_id, coalesce(inviter_member_id = $1, false) AS invited, coalesce(member_id = $1, false) AS joined,
       role, state, create_time, end_time
  FROM portal.invitation
 WHERE $1 IN (inviter_member_id, member_id)
"""
PROGRAM: Final = """
SELECT api_token_id, creator_member_id, display_name, scopes, create_time, expire_time, revoke_time, last_use_day
  FROM portal.api_token
 WHERE creator_member_id = $1
"""
# In an organisation's tenant. $1: the subject's digest.
PLAN_UPLOAD: Final = """
SELECT upload_id, project_id, plan_id, number, opener_digest, state, expire_time
  FROM portal.plan_upload
 WHERE opener_digest = $1
"""
HANDOVER: Final = """
SELECT project_id, lock_epoch, mode, state, claimant_account_id, claimant_subject_digest, claimant_public_key, claim,
       claim_grant, receipt, initiate_time, claim_time, end_time
  FROM portal.handover
 WHERE claimant_subject_digest = $1
"""
CUSTODY: Final = """
SELECT project_id, lock_epoch, generation, state, approve_time, release_time
  FROM portal.custody
 WHERE position($1::bytea IN coalesce(approval_evidence, '')) > 0
    OR position($1::bytea IN coalesce(release_evidence, '')) > 0
"""
AUDIT_ENTRY: Final = """
SELECT sequence, record, created_ms
  FROM portal.audit_entry
 WHERE position($1::bytea IN record) > 0
 ORDER BY sequence
"""
# What only this person has, when they are forgotten. $1: their own tenant.
FORGET_CLAIMED: Final = """
DELETE FROM portal.claimed_handover
 WHERE tenant_id = $1
"""
FORGET_MEMBERSHIPS: Final = """
DELETE FROM portal.membership
 WHERE tenant_id = $1
"""
FORGET_REQUESTS: Final = """
DELETE FROM portal.request_record
 WHERE tenant_id = $1
"""
FORGET_ACCOUNT: Final = """
DELETE FROM portal.account
 WHERE tenant_id = $1
"""
STATE_OF_CLAIMED: Final = """
SELECT state
  FROM portal.project
 WHERE project_id = $1 AND claimed
"""


@dataclass(frozen=True, slots=True)
class Source:
    """One table that may hold something on a person."""

    table: str
    statement: str


OWN: Final = (
    Source("portal.account", ACCOUNT),
    Source("portal.membership", MEMBERSHIP),
    Source("portal.claimed_handover", CLAIMED_HANDOVER),
    Source("portal.data_export", DATA_EXPORT),
    Source("portal.erasure_request", ERASURE_REQUEST),
)
BY_MEMBER: Final = (
    Source("portal.member", MEMBER),
    Source("portal.license", LICENSE),
    Source("portal.project", PROJECT),
    Source("portal.participant", PARTICIPANT),
    Source("portal.checklist_item", CHECKLIST_ITEM),
    Source("portal.plan_revision", PLAN_REVISION),
    Source("portal.invitation", INVITATION),
    Source("portal.api_token", PROGRAM),
)
BY_DIGEST: Final = (
    Source("portal.plan_upload", PLAN_UPLOAD),
    Source("portal.handover", HANDOVER),
    Source("portal.custody", CUSTODY),
    Source("portal.audit_entry", AUDIT_ENTRY),
)
STORES: Final = (
    ("portal.claimed_handover", FORGET_CLAIMED),
    ("portal.membership", FORGET_MEMBERSHIPS),
    ("portal.request_record", FORGET_REQUESTS),
    ("portal.account", FORGET_ACCOUNT),
)


async def rows(tx: Tx, source: Source, who: UUID | bytes) -> list[dict[str, Any]]:
    """Return what a table holds on a person."""
    return [dict(row) for row in await tx.fetch(source.statement, who)]


async def forget(tx: Tx, own: TenantId) -> dict[str, int]:
    """Delete what only this person has; return how many of each store."""
    return {store: int((await tx.execute(statement, own)).split()[-1]) for store, statement in STORES}


async def claimed_state(tx: Tx, project_id: UUID) -> str | None:
    """Return the state of a project that somebody has claimed; None: nobody has."""
    state: str | None = await tx.fetchval(STATE_OF_CLAIMED, project_id)
    return state
