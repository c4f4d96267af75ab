"""Owns opening and sealing what is personal in a project; it alone asks the key port for project data keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from ora.portal.v1.checklist_item_pb2 import ChecklistItem
from ora.portal.v1.project_pb2 import Project as Personal

from mesh.errors import InternalError
from portal_svc.domain import words
from portal_svc.domain.sealing import seal, unseal

if TYPE_CHECKING:
    from uuid import UUID

    from mesh.ids import TenantId
    from mesh.kms import DataKey, Kms
    from portal_svc.domain.project import Project
    from portal_svc.store.organizations import Organization

# The fields of a project that are sealed; no other field is in the column.
PERSONAL: Final = ("display_name", "reference", "site", "customer", "notes")


class ItemTexts(Protocol):
    """What a checklist item says; one that is just copied from a template has no note."""

    @property
    def title(self) -> str:
        """What to do."""

    @property
    def description(self) -> str:
        """How to do it."""


class Vault:
    """Data keys live as long as one call."""

    def __init__(self, kms: Kms) -> None:
        self._kms = kms

    async def new_project_key(self, tenant: TenantId, project_id: UUID) -> DataKey:
        """Return a data key for a new project."""
        return await self._kms.generate_data_key(_project(tenant, project_id))

    async def new_search_key(self, tenant: TenantId) -> bytes:
        """Return a wrapped key for the words of an organisation's projects."""
        return (await self._kms.generate_data_key(_search(tenant))).blob

    async def open_key(self, project: Project) -> bytes:
        """Return the data key of a project that is not over."""
        return await self._kms.unwrap(_held(project), _project(project.tenant_id, project.project_id))

    async def personal(self, project: Project, key: bytes | None = None) -> Personal:
        """Return what is personal in a project."""
        if project.sealed is None:
            return Personal()
        opened = unseal(key or await self.open_key(project), "project", project.project_id, project.sealed)
        return Personal.FromString(opened)

    async def digests(self, organization: Organization, personal: Personal) -> list[bytes]:
        """Return by what a project is found."""
        return words.index(await self._search_key(organization), _texts(personal))

    async def question(self, organization: Organization, query: str) -> list[bytes]:
        """Return what a project must have to be found."""
        return words.question(await self._search_key(organization), query)

    def key_id(self, project: Project) -> bytes:
        """Return the identifier of a project's data key."""
        return self._kms.key_id(_held(project))

    async def destroy_project_key(self, project: Project) -> None:
        """Destroy the data key of a project."""
        await self._kms.destroy(_held(project), _project(project.tenant_id, project.project_id))

    async def destroy_search_key(self, organization: Organization) -> None:
        """Destroy the key of an organisation's words."""
        if organization.search_key is not None:
            await self._kms.destroy(organization.search_key, _search(organization.tenant_id))

    async def rewrap_project_key(self, project: Project) -> bytes | None:
        """Return a project's data key under the newest root key; None if there is nothing to do."""
        before = _held(project)
        made = await self._kms.rewrap(before, _project(project.tenant_id, project.project_id))
        return None if made == before else made

    async def rewrap_search_key(self, organization: Organization) -> bytes | None:
        """Return the key of an organisation's words under the newest root key; None if there is nothing to do."""
        if organization.search_key is None:
            return None
        made = await self._kms.rewrap(organization.search_key, _search(organization.tenant_id))
        return None if made == organization.search_key else made

    async def _search_key(self, organization: Organization) -> bytes:
        if organization.search_key is None:
            raise InternalError("an organisation that is closed has no search key")
        return await self._kms.unwrap(organization.search_key, _search(organization.tenant_id))


def _held(project: Project) -> bytes:
    if project.data_key is None:
        raise InternalError("a project that is over has no data key")
    return project.data_key


def seal_personal(key: bytes, project_id: UUID, given: Personal) -> bytes:
    """Return the sealed column of a project."""
    kept = Personal()
    for name in PERSONAL:
        _copy(given, kept, name)
    return seal(key, "project", project_id, kept.SerializeToString())


def seal_item(key: bytes, item_id: UUID, given: ItemTexts) -> bytes:
    """Return the sealed column of a checklist item."""
    kept = ChecklistItem(title=given.title, description=given.description, note=getattr(given, "note", ""))
    return seal(key, "checklist item", item_id, kept.SerializeToString())


def open_item(key: bytes, item_id: UUID, sealed: bytes) -> ChecklistItem:
    """Return the texts of a checklist item."""
    return ChecklistItem.FromString(unseal(key, "checklist item", item_id, sealed))


def _copy(source: Personal, target: Personal, name: str) -> None:
    value = getattr(source, name)
    if isinstance(value, str):
        setattr(target, name, value)
    elif source.HasField(name):  # type: ignore[arg-type]
        getattr(target, name).CopyFrom(value)


def _texts(personal: Personal) -> list[str]:
    site, customer = personal.site, personal.customer
    address = [*site.address_lines, site.locality, site.administrative_area, site.postal_code]
    people = [customer.display_name, customer.email, customer.phone]
    return [personal.display_name, personal.reference, *address, *people, personal.notes]


def _project(tenant: TenantId, project_id: UUID) -> dict[str, str]:
    return {"purpose": "project", "tenant": str(tenant), "project": str(project_id)}


def _search(tenant: TenantId) -> dict[str, str]:
    return {"purpose": "search", "tenant": str(tenant)}
