"""Owns who calls: a person by their digest and own tenant, a member of an organisation, or one of its API tokens."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ora.options.v1 import options_pb2 as options
from ora.portal.v1.audit_entry_pb2 import (
    ACTOR_KIND_API_TOKEN,
    ACTOR_KIND_HUB,
    ACTOR_KIND_JOB,
    ACTOR_KIND_PERSON,
    ACTOR_KIND_SUPPORT,
    ActorKind,
)

from mesh.call import CURRENT, current_call
from mesh.errors import NotFoundError, PermissionDeniedError, StateConflictError
from mesh.identity import ApiClient, HubIdentity, Principal
from mesh.ids import TenantId, uuid7
from portal_svc.domain.ids import AccountId, personal_tenant, subject_digest
from portal_svc.domain.license import require_licensed
from portal_svc.store import accounts, licenses, members, organizations
from portal_svc.store.members import Member
from portal_svc.store.organizations import Organization

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from mesh.db import Tx


@dataclass(frozen=True, slots=True)
class Person:
    """A person by their token, member or not."""

    issuer: str
    subject: str
    digest: bytes
    # The tenant of their own rows.
    own: TenantId


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who acts in an organisation."""

    organization: Organization
    # None: an API token of the organisation.
    member: Member | None
    # By the member's role, and by the token's: both bound what a person may do.
    admin: bool

    @property
    def tenant(self) -> TenantId:
        """The organisation's tenant."""
        return self.organization.tenant_id

    def require_active(self) -> None:
        """Refuse a change in an organisation that is suspended or closed."""
        if self.organization.state != "ACTIVE":
            raise StateConflictError("the organisation is not active", reason="ORGANIZATION_NOT_ACTIVE")

    def require_admin(self) -> None:
        """Refuse who is no administrator of the organisation."""
        if not self.admin:
            raise not_allowed()

    def is_member(self, member_id: UUID | None) -> bool:
        """Say whether the caller is this member."""
        return self.member is not None and self.member.member_id == member_id


def person() -> Person:
    """Return the calling person."""
    return _person(current_call().person)


def _person(principal: Principal) -> Person:
    digest = subject_digest(principal.issuer, principal.subject)
    return Person(principal.issuer, principal.subject, digest, personal_tenant(digest))


def calling_tenant() -> TenantId | None:
    """Return the organisation in the caller's token, None if there is none."""
    subject = current_call().subject
    return subject.tenant if isinstance(subject, Principal | ApiClient) else None


async def caller(tx: Tx) -> Caller:
    """Return who calls, in the transaction of their organisation; refuse who is no active member of it."""
    call = current_call()
    organization = await organizations.get(tx, call.tenant)
    if organization is None:
        raise _no_member()
    if isinstance(call.subject, ApiClient):
        return Caller(organization, None, admin=False)
    member = await members.by_subject(tx, call.tenant, person().digest)
    if member is None or member.state != "ACTIVE":
        raise _no_member()
    return Caller(organization, member, admin=member.role == "ADMIN" and options.ROLE_ORG_ADMIN in call.person.roles)


async def acting(tx: Tx) -> Caller:
    """Return who calls, if their organisation may work."""
    found = await caller(tx)
    found.require_active()
    return found


async def require_license(tx: Tx, caller: Caller, now: datetime) -> Member:
    """Return the calling member, if a licence of theirs is in force."""
    if caller.member is None:
        raise not_allowed()
    require_licensed(await licenses.of_holder(tx, caller.member.member_id), now)
    return caller.member


async def account(tx: Tx, who: Person, now: datetime) -> accounts.Account:
    """Return a person's account, made if it is their first call; the transaction is in their own tenant."""
    wanted = accounts.Account(
        tenant_id=who.own,
        account_id=AccountId(uuid7()),
        subject_digest=who.digest,
        issuer=who.issuer,
        subject=who.subject,
        create_day=now.date(),
    )
    return await accounts.ensure(tx, wanted)


def own_organization(tenant: UUID) -> TenantId:
    """Return the caller's organisation if ``tenant`` is it; another one is answered like one that does not exist."""
    if tenant != current_call().tenant:
        raise NotFoundError("there is no such organisation")
    return TenantId(tenant)


def actor(job: str = "") -> tuple[ActorKind.ValueType, bytes]:
    """Return who acts, as the audit names them: the caller, or a job."""
    call = CURRENT.get(None)
    match call.subject if call and not job else None:
        case Principal() as principal:
            support = options.ROLE_SUPPORT in principal.roles
            return ACTOR_KIND_SUPPORT if support else ACTOR_KIND_PERSON, _person(principal).digest
        case ApiClient() as token:
            return ACTOR_KIND_API_TOKEN, hashlib.sha256(b"ora api token v1\x00" + token.token_id.encode()).digest()
        case HubIdentity() as hub:
            return ACTOR_KIND_HUB, hashlib.sha256(b"ora hub v1\x00" + hub.hub_id.bytes).digest()
    return ACTOR_KIND_JOB, hashlib.sha256(b"ora workload v1\x00" + (job or "portal").encode()).digest()


def not_allowed() -> PermissionDeniedError:
    """Return the refusal of who sees a thing and may not do this to it."""
    return PermissionDeniedError("the caller may not do this", reason="ROLE_NOT_ALLOWED")


def _no_member() -> PermissionDeniedError:
    return PermissionDeniedError("the caller is no active member of the organisation", reason="NOT_A_MEMBER")
