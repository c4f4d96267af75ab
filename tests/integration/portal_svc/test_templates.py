"""Templates: versions that never change, sharing, and what a project takes over from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

from google.protobuf.field_mask_pb2 import FieldMask
from ora.portal.v1 import (
    checklist_item_service_pb2,
    plan_pb2,
    plan_service_pb2,
    project_template_pb2,
    project_template_service_pb2,
)

from tests.integration.fleet_svc.node import refused
from tests.integration.portal_svc.actors import Person
from tests.integration.portal_svc.world import request_id

if TYPE_CHECKING:
    from tests.integration.portal_svc.world import World

pb, T = project_template_service_pb2, project_template_pb2
OWN, SHARED, ORA = (pb.ListProjectTemplatesRequest.Ownership.Value(f"OWNERSHIP_{x}") for x in ("OWN", "SHARED", "ORA"))
ITEMS = [
    T.TemplateChecklistItem(title="Test the breaker", required=True),
    T.TemplateChecklistItem(title="Label the rooms", description="In English"),
]


async def template(portal: World, name: str = "Small flat", who: Person | None = None) -> Any:
    request = pb.CreateProjectTemplateRequest(
        project_template=T.ProjectTemplate(display_name=name), request_id=request_id()
    )
    return await portal.templates.CreateProjectTemplate(request, metadata=(who or portal.boss).bearer())


async def version(portal: World, parent: str, etag: str = "", **said: Any) -> Any:
    request = pb.CreateProjectTemplateVersionRequest(
        parent=parent,
        project_template_version=T.ProjectTemplateVersion(**said),
        etag=etag,
        request_id=request_id(),
    )
    return await portal.templates.CreateProjectTemplateVersion(request, metadata=portal.boss.bearer())


async def titles(portal: World, who: Person, *owners: Any, states: Any = ()) -> list[str]:
    request = pb.ListProjectTemplatesRequest(ownerships=owners, states=states, page_size=1)
    found: list[str] = []
    while True:
        page = await portal.templates.ListProjectTemplates(request, metadata=who.bearer())
        found += [each.display_name for each in page.project_templates]
        if not page.next_page_token:
            return found
        request.page_token = page.next_page_token


async def test_a_project_copies_its_templates_checklist_and_plans(portal: World) -> None:
    await portal.found()
    made = await template(portal)
    assert (made.latest_version, made.organization) == (0, f"organizations/{portal.org}")
    kinds = [
        T.TemplatePlan(kind=plan_pb2.Plan.KIND_FLOOR_PLAN),
        T.TemplatePlan(kind=plan_pb2.Plan.KIND_PAIRING_PLAN, required=True),
    ]
    first = await version(portal, made.name, checklist_items=ITEMS, plans=kinds, change_note="begun")
    assert first.name == f"{made.name}/versions/1"
    project = await portal.project(template_version=first.name)
    assert (project.template_version, project.checklist_item_count, project.checklist_required_open_count) == (
        first.name,
        2,
        1,
    )
    await version(portal, made.name, checklist_items=[])
    listed = await portal.checklist.ListChecklistItems(
        checklist_item_service_pb2.ListChecklistItemsRequest(parent=project.name), metadata=portal.boss.bearer()
    )
    assert [(each.title, each.required) for each in listed.checklist_items] == [
        ("Test the breaker", True),
        ("Label the rooms", False),
    ]
    plans = await portal.plans.ListPlans(
        plan_service_pb2.ListPlansRequest(parent=project.name), metadata=portal.boss.bearer()
    )
    assert [each.kind for each in plans.plans] == [plan_pb2.Plan.KIND_FLOOR_PLAN, plan_pb2.Plan.KIND_PAIRING_PLAN]
    complete = checklist_item_service_pb2.CompleteChecklistItemRequest(
        name=listed.checklist_items[0].name, request_id=request_id()
    )
    await portal.checklist.CompleteChecklistItem(complete, metadata=portal.boss.bearer())
    await portal.bind(project.name, portal.hub())
    assert await refused(portal.mark_ready(project.name)) == ("FAILED_PRECONDITION", "CHECKLIST_INCOMPLETE")
    gone = plan_service_pb2.DeletePlanRequest(name=plans.plans[1].name, request_id=request_id())
    assert (await refused(portal.plans.DeletePlan(gone, metadata=portal.boss.bearer())))[1] == "ITEM_REQUIRED"


async def test_versions_are_numbered_kept_and_guarded_by_the_etag(portal: World) -> None:
    await portal.found()
    made = await template(portal)
    first = await version(portal, made.name, etag=made.etag, change_note="one")
    assert await refused(version(portal, made.name, etag=made.etag)) == ("ABORTED", "ETAG_MISMATCH")
    second = await version(portal, made.name, change_note="two")
    get = pb.GetProjectTemplateVersionRequest(name=first.name)
    assert (await portal.templates.GetProjectTemplateVersion(get, metadata=portal.boss.bearer())) == first
    request = pb.ListProjectTemplateVersionsRequest(parent=made.name)
    listed = await portal.templates.ListProjectTemplateVersions(request, metadata=portal.boss.bearer())
    assert list(listed.project_template_versions) == [second, first]
    get.name = f"{made.name}/versions/3"
    assert (await refused(portal.templates.GetProjectTemplateVersion(get, metadata=portal.boss.bearer())))[
        0
    ] == "NOT_FOUND"


async def test_only_the_owner_changes_what_all_may_use(portal: World) -> None:
    await portal.found()
    made = await template(portal)
    first = await version(portal, made.name, checklist_items=ITEMS)
    rival = Person(portal.idp, "rival", ("org_admin", "electrician"), str(uuid4()))
    await portal.found(rival)
    get = pb.GetProjectTemplateRequest(name=made.name)
    assert (await refused(portal.templates.GetProjectTemplate(get, metadata=rival.bearer())))[0] == "NOT_FOUND"
    assert await refused(portal.project(rival, template_version=first.name)) == ("NOT_FOUND", "NOT_FOUND")
    assert await titles(portal, rival) == []
    share = pb.ShareProjectTemplateRequest(name=made.name, request_id=request_id())
    assert (await refused(portal.templates.ShareProjectTemplate(share, metadata=rival.bearer())))[0] == "NOT_FOUND"
    assert (await portal.templates.ShareProjectTemplate(share, metadata=portal.boss.bearer())).shared
    assert (await titles(portal, rival), await titles(portal, rival, OWN)) == (["Small flat"], [])
    assert (await titles(portal, portal.boss, SHARED), await titles(portal, portal.boss, ORA)) == ([], [])
    assert (await portal.project(rival, template_version=first.name)).checklist_item_count == 2
    rename = pb.UpdateProjectTemplateRequest(
        project_template=T.ProjectTemplate(name=made.name, display_name="Mine"), request_id=request_id()
    )
    theirs = portal.templates.UpdateProjectTemplate(rename, metadata=rival.bearer())
    assert await refused(theirs) == ("FAILED_PRECONDITION", "TEMPLATE_NOT_OWNED")
    unshare = pb.UnshareProjectTemplateRequest(name=made.name, request_id=request_id())
    await portal.templates.UnshareProjectTemplate(unshare, metadata=portal.boss.bearer())
    assert (await refused(portal.templates.GetProjectTemplate(get, metadata=rival.bearer())))[0] == "NOT_FOUND"


async def test_an_archived_template_begins_no_project(portal: World) -> None:
    await portal.found()
    sparky = await portal.hire("sparky")
    made = await template(portal)
    first = await version(portal, made.name)
    archive = pb.ArchiveProjectTemplateRequest(name=made.name, request_id=request_id())
    assert (await refused(portal.templates.ArchiveProjectTemplate(archive, metadata=sparky.bearer())))[
        0
    ] == "PERMISSION_DENIED"
    archived = await portal.templates.ArchiveProjectTemplate(archive, metadata=portal.boss.bearer())
    assert await portal.templates.ArchiveProjectTemplate(archive, metadata=portal.boss.bearer()) == archived
    assert (await refused(portal.project(template_version=first.name)))[1] == "TEMPLATE_ARCHIVED"
    assert (await refused(version(portal, made.name)))[1] == "TEMPLATE_ARCHIVED"
    assert await titles(portal, portal.boss) == []
    assert await titles(portal, portal.boss, states=[T.ProjectTemplate.STATE_ARCHIVED]) == ["Small flat"]
    restore = pb.RestoreProjectTemplateRequest(name=made.name, request_id=request_id())
    await portal.templates.RestoreProjectTemplate(restore, metadata=portal.boss.bearer())
    await template(portal, "Attic")
    assert await titles(portal, sparky) == ["Attic", "Small flat"]
    change = pb.UpdateProjectTemplateRequest(
        project_template=T.ProjectTemplate(name=made.name, description="Two rooms"),
        update_mask=FieldMask(paths=["description"]),
        request_id=request_id(),
    )
    changed = await portal.templates.UpdateProjectTemplate(change, metadata=portal.boss.bearer())
    assert (changed.display_name, changed.description) == ("Small flat", "Two rooms")
