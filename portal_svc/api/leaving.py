"""Owns what goes when a person leaves an organisation: their row, and every other row of it that names them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from portal_svc.api.visiting import visiting
from portal_svc.domain.ids import personal_tenant
from portal_svc.store import (
    api_tokens,
    checklist_items,
    invitations,
    members,
    memberships,
    objects,
    plan_uploads,
    plans,
)

if TYPE_CHECKING:
    from datetime import datetime

    from mesh.db import Tx
    from mesh.ids import TenantId
    from portal_svc.store.members import Member


async def leave(tx: Tx, member: Member, now: datetime) -> None:
    """Forget a member: licences and parts in projects go with the row, what they did stays without them."""
    tenant = member.tenant_id
    await checklist_items.forget_closer(tx, tenant, member.member_id)
    await plans.forget_author(tx, tenant, member.member_id)
    await invitations.forget_member(tx, tenant, member.member_id)
    await api_tokens.forget_creator(tx, tenant, member.member_id)
    for upload_id in await plan_uploads.of_opener(tx, tenant, member.subject_digest):
        await objects.doom(tx, await plan_uploads.delete(tx, upload_id), now)
    await members.delete(tx, member.member_id)
    own = personal_tenant(member.subject_digest)
    async with visiting(tx, own, back=tenant):
        await memberships.leave(tx, own, tenant)


async def leave_all(tx: Tx, tenant: TenantId, now: datetime) -> None:
    """Forget everybody in an organisation that closes, those who are invited, and what its tokens were for."""
    for member in await members.everybody(tx, tenant):
        await leave(tx, member, now)
    for invitation_id in await invitations.open_ids(tx, tenant):
        held = await invitations.lock(tx, invitation_id)
        if held is not None:
            await invitations.end(tx, held, "REVOKED", now)
    await api_tokens.revoke_all(tx, tenant, now)
