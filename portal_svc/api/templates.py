"""Owns ProjectTemplateService: ways of working, and their versions. Unpacks, asks domain and store, packs."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from ora.portal.v1 import project_template_pb2
from ora.portal.v1 import project_template_service_pb2 as pb
from ora.portal.v1 import project_template_service_pb2_grpc as rpc

from mesh.call import current_call
from mesh.errors import InvalidArgumentError, NotFoundError, ResourceExhaustedError, StateConflictError
from portal_svc.api import audit, masks, pages, people
from portal_svc.api.names import ORGANIZATION, TEMPLATE, numbered, parse_numbered
from portal_svc.api.repeat import repeatable
from portal_svc.api.times import to_timestamp
from portal_svc.domain.etags import check_etag
from portal_svc.domain.ids import PLATFORM
from portal_svc.store import templates as store
from portal_svc.store.templates import Template, Version

if TYPE_CHECKING:
    from collections.abc import Callable

    from mesh.db import Tx
    from portal_svc.api.desk import Desk
    from portal_svc.api.people import Caller

VERSIONS: Final = "versions"
QUOTA: Final = 500
_CHANGEABLE: Final = ("display_name", "description")
_STATE: Final = project_template_pb2.ProjectTemplate.State
_OWNERSHIP: Final = pb.ListProjectTemplatesRequest.Ownership
_OWNERS: Final = ("OWN", "SHARED", "ORA")
_FIRST: Final = ("", UUID(int=0))
_BEYOND: Final = (1 << 31) - 1


class ProjectTemplateService(rpc.ProjectTemplateServiceServicer):
    """Templates: an organisation's own, those that others share, and Ora's."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def CreateProjectTemplate(
        self, request: pb.CreateProjectTemplateRequest, context: Any
    ) -> project_template_pb2.ProjectTemplate:
        """Make a template without a version."""
        del context
        async with self._desk.database.tenant(current_call().tenant) as tx:
            effect = partial(self._create, tx, request.project_template)
            return await repeatable(tx, project_template_pb2.ProjectTemplate, effect, partial(_again, tx))

    async def _create(
        self, tx: Tx, given: project_template_pb2.ProjectTemplate
    ) -> project_template_pb2.ProjectTemplate:
        caller, now = await _writer(tx), self._desk.now()
        if await store.count(tx, caller.tenant) >= QUOTA:
            raise ResourceExhaustedError("no further template", reason="QUOTA_EXCEEDED", quota="templates", limit=QUOTA)
        made = Template(
            template_id=self._desk.new_id(),
            tenant_id=caller.tenant,
            display_name=given.display_name,
            description=given.description,
            shared=False,
            state="ACTIVE",
            latest_version=0,
            revision=1,
            create_time=now,
            update_time=now,
        )
        await store.insert(tx, made)
        await audit.write(tx, caller.tenant, TEMPLATE.format(made.template_id), now=now)
        return to_proto(made)

    async def GetProjectTemplate(
        self, request: pb.GetProjectTemplateRequest, context: Any
    ) -> project_template_pb2.ProjectTemplate:
        """Return one template."""
        del context
        template_id = TEMPLATE.parse_one(request.name)
        async with self._desk.database.tenant(current_call().tenant, read_only=True) as tx:
            await people.caller(tx)
            return to_proto(known(await store.get(tx, template_id)))

    async def ListProjectTemplates(
        self, request: pb.ListProjectTemplatesRequest, context: Any
    ) -> pb.ListProjectTemplatesResponse:
        """Return one page of templates, by title."""
        del context
        cursor, size = pages.cursor_of(self._desk, request), pages.size_of(request)
        owners = [_OWNERSHIP.Name(each).removeprefix("OWNERSHIP_") for each in request.ownerships]
        states = [_STATE.Name(each).removeprefix("STATE_") for each in request.states]
        async with self._desk.database.tenant(current_call().tenant, read_only=True) as tx:
            caller = await people.caller(tx)
            found = await store.page(
                tx,
                (caller.tenant, PLATFORM),
                (cursor[0], UUID(cursor[1])) if cursor else _FIRST,
                owners=owners or _OWNERS,
                states=states or ["ACTIVE"],
                limit=size + 1,
            )
        shown = found[:size]
        last = (shown[-1].display_name, shown[-1].template_id) if shown else ()
        return pb.ListProjectTemplatesResponse(
            project_templates=map(to_proto, shown), next_page_token=pages.token(self._desk, request, found, *last)
        )

    async def UpdateProjectTemplate(
        self, request: pb.UpdateProjectTemplateRequest, context: Any
    ) -> project_template_pb2.ProjectTemplate:
        """Change title and description."""
        del context
        given = request.project_template
        changed = masks.paths(request.update_mask, given, _CHANGEABLE)
        values: dict[str, Any] = {path: getattr(given, path) for path in changed}
        if values.get("display_name") == "":
            raise InvalidArgumentError.field("project_template.display_name", "is required")
        return await self._change(given.name, given.etag, lambda held: replace(held, **values), "project_template.name")

    async def ShareProjectTemplate(
        self, request: pb.ShareProjectTemplateRequest, context: Any
    ) -> project_template_pb2.ProjectTemplate:
        """Let every organisation use a template."""
        del context
        return await self._change(request.name, request.etag, lambda held: replace(held, shared=True))

    async def UnshareProjectTemplate(
        self, request: pb.UnshareProjectTemplateRequest, context: Any
    ) -> project_template_pb2.ProjectTemplate:
        """Keep a template to its owner again."""
        del context
        return await self._change(request.name, request.etag, lambda held: replace(held, shared=False))

    async def ArchiveProjectTemplate(
        self, request: pb.ArchiveProjectTemplateRequest, context: Any
    ) -> project_template_pb2.ProjectTemplate:
        """Take a template out of use."""
        del context
        return await self._change(request.name, request.etag, lambda held: replace(held, state="ARCHIVED"))

    async def RestoreProjectTemplate(
        self, request: pb.RestoreProjectTemplateRequest, context: Any
    ) -> project_template_pb2.ProjectTemplate:
        """Take an archived template into use again."""
        del context
        return await self._change(request.name, request.etag, lambda held: replace(held, state="ACTIVE"))

    async def _change(
        self, name: str, etag: str, change: Callable[[Template], Template], field: str = "name"
    ) -> project_template_pb2.ProjectTemplate:
        template_id = TEMPLATE.parse_one(name, field=field)
        async with self._desk.database.tenant(current_call().tenant) as tx:
            effect = partial(self._changed, tx, template_id, etag, change)
            return await repeatable(tx, project_template_pb2.ProjectTemplate, effect, partial(_again, tx))

    async def _changed(
        self, tx: Tx, template_id: UUID, etag: str, change: Callable[[Template], Template]
    ) -> project_template_pb2.ProjectTemplate:
        caller, now = await _writer(tx), self._desk.now()
        held = await _owned(tx, template_id)
        check_etag(etag, held.revision)
        after = replace(change(held), revision=held.revision + 1, update_time=now)
        await store.save(tx, after)
        await audit.write(tx, caller.tenant, TEMPLATE.format(template_id), now=now)
        return to_proto(after)

    async def CreateProjectTemplateVersion(
        self, request: pb.CreateProjectTemplateVersionRequest, context: Any
    ) -> project_template_pb2.ProjectTemplateVersion:
        """Add what a template says from now on."""
        del context
        template_id = TEMPLATE.parse_one(request.parent, field="parent")
        async with self._desk.database.tenant(current_call().tenant) as tx:
            effect = partial(self._add, tx, template_id, request)
            kind = project_template_pb2.ProjectTemplateVersion
            return await repeatable(tx, kind, effect, partial(_version_again, tx))

    async def _add(
        self, tx: Tx, template_id: UUID, request: pb.CreateProjectTemplateVersionRequest
    ) -> project_template_pb2.ProjectTemplateVersion:
        caller, now, given = await _writer(tx), self._desk.now(), request.project_template_version
        held = await _owned(tx, template_id)
        check_etag(request.etag, held.revision)
        if held.state != "ACTIVE":
            raise archived()
        number = held.latest_version + 1
        said = project_template_pb2.ProjectTemplateVersion(
            checklist_items=given.checklist_items, plans=given.plans, change_note=given.change_note
        )
        content = said.SerializeToString(deterministic=True)
        made = Version(template_id=template_id, number=number, content=content, create_time=now)
        await store.add_version(tx, caller.tenant, made)
        await store.save(tx, replace(held, latest_version=number, revision=held.revision + 1, update_time=now))
        await audit.write(tx, caller.tenant, version_name(made), now=now)
        return version_to_proto(made)

    async def GetProjectTemplateVersion(
        self, request: pb.GetProjectTemplateVersionRequest, context: Any
    ) -> project_template_pb2.ProjectTemplateVersion:
        """Return what a template said at one time."""
        del context
        async with self._desk.database.tenant(current_call().tenant, read_only=True) as tx:
            await people.caller(tx)
            return version_to_proto(await version_of(tx, request.name))

    async def ListProjectTemplateVersions(
        self, request: pb.ListProjectTemplateVersionsRequest, context: Any
    ) -> pb.ListProjectTemplateVersionsResponse:
        """Return one page of versions, newest first."""
        del context
        template_id = TEMPLATE.parse_one(request.parent, field="parent")
        cursor, size = pages.cursor_of(self._desk, request), pages.size_of(request)
        async with self._desk.database.tenant(current_call().tenant, read_only=True) as tx:
            await people.caller(tx)
            known(await store.get(tx, template_id))
            found = await store.page_versions(tx, template_id, int(cursor[0]) if cursor else _BEYOND, size + 1)
        shown = found[:size]
        last = (shown[-1].number,) if shown else ()
        return pb.ListProjectTemplateVersionsResponse(
            project_template_versions=map(version_to_proto, shown),
            next_page_token=pages.token(self._desk, request, found, *last),
        )


async def version_of(tx: Tx, name: str, *, field: str = "name") -> Version:
    """Return the version of a name, if the transaction's tenant may use its template."""
    parent, number = parse_numbered(name, VERSIONS, field=field)
    found = await store.version(tx, TEMPLATE.parse_one(parent, field=field), number)
    if found is None:
        raise NotFoundError("there is no such template version")
    return found


async def _writer(tx: Tx) -> Caller:
    """Return who may write templates: an administrator, or a program of the organisation by its scope."""
    caller = await people.acting(tx)
    if caller.member is not None:
        caller.require_admin()
    return caller


async def _owned(tx: Tx, template_id: UUID) -> Template:
    held = await store.lock(tx, template_id)
    if held is None and await store.get(tx, template_id) is not None:
        raise StateConflictError("another's template is not changed", reason="TEMPLATE_NOT_OWNED")
    return known(held)


async def _again(tx: Tx, kept: project_template_pb2.ProjectTemplate) -> project_template_pb2.ProjectTemplate:
    return to_proto(known(await store.get(tx, TEMPLATE.parse_one(kept.name))))


async def _version_again(
    tx: Tx, kept: project_template_pb2.ProjectTemplateVersion
) -> project_template_pb2.ProjectTemplateVersion:
    return version_to_proto(await version_of(tx, kept.name))


def known(found: Template | None) -> Template:
    """Return a template, or refuse: another's that is not shared is answered like none."""
    if found is None:
        raise NotFoundError("there is no such template")
    return found


def archived() -> StateConflictError:
    """Return the refusal of what is out of use."""
    return StateConflictError("the template is archived", reason="TEMPLATE_ARCHIVED")


def version_name(each: Version) -> str:
    """Return the name of a version."""
    return numbered(TEMPLATE.format(each.template_id), VERSIONS, each.number)


def to_proto(each: Template) -> project_template_pb2.ProjectTemplate:
    """Return the template as the contract shows it."""
    return project_template_pb2.ProjectTemplate(
        name=TEMPLATE.format(each.template_id),
        organization="" if each.tenant_id == PLATFORM else ORGANIZATION.format(each.tenant_id),
        display_name=each.display_name,
        description=each.description,
        shared=each.shared,
        state=_STATE.Value(f"STATE_{each.state}"),
        latest_version=each.latest_version,
        create_time=to_timestamp(each.create_time),
        update_time=to_timestamp(each.update_time),
        etag=each.etag,
    )


def version_to_proto(each: Version) -> project_template_pb2.ProjectTemplateVersion:
    """Return the version as the contract shows it."""
    shown = project_template_pb2.ProjectTemplateVersion.FromString(each.content)
    shown.name = version_name(each)
    shown.create_time.FromDatetime(each.create_time)
    return shown
