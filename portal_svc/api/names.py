"""Owns the resource names of the portal."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from mesh.errors import InvalidArgumentError
from mesh.ids import HubId
from mesh.resource_names import ResourceName

if TYPE_CHECKING:
    from uuid import UUID

    from mesh.ids import TenantId

ORGANIZATION: Final = ResourceName("organizations/{organization}")
MEMBER: Final = ResourceName("organizations/{organization}/members/{member}")
LICENSE: Final = ResourceName("organizations/{organization}/licenses/{license}")
TOMBSTONE: Final = ResourceName("organizations/{organization}/tombstones/{tombstone}")
ACCOUNT: Final = ResourceName("accounts/{account}")
PROJECT: Final = ResourceName("projects/{project}")
PARTICIPANT: Final = ResourceName("projects/{project}/participants/{participant}")
CHECKLIST_ITEM: Final = ResourceName("projects/{project}/checklistItems/{checklist_item}")
ACCESS_KEY: Final = ResourceName("projects/{project}/accessKeys/{access_key}")
JOB: Final = ResourceName("jobs/{job}")
CUSTODY: Final = ResourceName("projects/{project}/custody")
TEMPLATE: Final = ResourceName("projectTemplates/{project_template}")
PLAN: Final = ResourceName("projects/{project}/plans/{plan}")
PLAN_UPLOAD: Final = ResourceName("projects/{project}/plans/{plan}/uploads/{plan_upload}")
INVITATION: Final = ResourceName("organizations/{organization}/invitations/{invitation}")
API_TOKEN: Final = ResourceName("organizations/{organization}/apiTokens/{api_token}")
EXPORT: Final = ResourceName("accounts/{account}/exports/{export}")
ERASURE_REQUEST: Final = ResourceName("accounts/{account}/erasureRequests/{erasure_request}")
HUB: Final = ResourceName("hubs/{hub}")
ERASURE_RECEIPT: Final = ResourceName("erasureReceipts/{erasure_receipt}")
ME: Final = "accounts/me"

_HANDOVER: Final = re.compile(r"(projects/[0-9a-f-]{36})/handovers/([1-9][0-9]{0,18})", re.ASCII)

_NUMBERED: Final = re.compile(r"([^ ]{1,180})/(revisions|versions)/([1-9][0-9]{0,9})", re.ASCII)
_MOST: Final = 1 << 31


def numbered(parent: str, collection: str, number: int) -> str:
    """Return the name of a revision or version."""
    return f"{parent}/{collection}/{number}"


def parse_numbered(name: str, collection: str, *, field: str = "name") -> tuple[str, int]:
    """Return the parent and the number of a revision or version."""
    found = _NUMBERED.fullmatch(name)
    if found is None or found[2] != collection or int(found[3]) >= _MOST:
        raise InvalidArgumentError.field(field, f"must end in /{collection}/{{number}}")
    return found[1], int(found[3])


def project_name(project_id: UUID) -> str:
    """Return the name of a project."""
    return PROJECT.format(project_id)


def member_name(tenant: TenantId, member_id: UUID | None) -> str:
    """Return the name of a member; empty for nobody."""
    return "" if member_id is None else MEMBER.format(tenant, member_id)


def handover_name(project_id: UUID, lock_epoch: int) -> str:
    """Return the name of a handover."""
    return f"{project_name(project_id)}/handovers/{lock_epoch}"


def custody_name(project_id: UUID) -> str:
    """Return the name of a project's custody."""
    return CUSTODY.format(project_id)


def hub_name(hub_id: UUID | None) -> str:
    """Return the name of a Hub; empty for none."""
    return "" if hub_id is None else HUB.format(hub_id)


def parse_hub(name: str, *, field: str) -> HubId:
    """Return the Hub that ``name`` names."""
    return HubId(HUB.parse_one(name, field=field))


def parse_handover(name: str) -> tuple[UUID, int]:
    """Return the project and the lock epoch that ``name`` names."""
    found = _HANDOVER.fullmatch(name)
    if found is None or int(found[2]) >= 1 << 63:
        raise InvalidArgumentError.field("name", "must be projects/{project}/handovers/{lock_epoch}")
    return PROJECT.parse_one(found[1]), int(found[2])
