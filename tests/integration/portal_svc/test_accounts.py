"""Organisations, members and licences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from google.protobuf.field_mask_pb2 import FieldMask
from ora.portal.v1 import (
    license_pb2,
    license_service_pb2,
    member_pb2,
    member_service_pb2,
    organization_pb2,
    organization_service_pb2,
    project_pb2,
    project_service_pb2,
)

from portal_svc.domain.license import Answer, Verdict
from tests.integration.fleet_svc.node import refused
from tests.integration.portal_svc.world import request_id

if TYPE_CHECKING:
    from tests.integration.portal_svc.actors import Person
    from tests.integration.portal_svc.world import World

L, M = license_pb2.License, member_pb2.Member


async def test_an_organisation_is_registered_once_and_changed_by_its_admins(portal: World) -> None:
    made = await portal.found(licensed=False)
    assert (made.state, made.etag) == (organization_pb2.Organization.STATE_ACTIVE, "0000000000000001")
    assert (await refused(portal.found(licensed=False)))[1] == "ORGANIZATION_EXISTS"
    changed = organization_service_pb2.UpdateOrganizationRequest(
        organization=organization_pb2.Organization(name=made.name, display_name="Brighter Sparks", etag=made.etag),
        request_id=request_id(),
    )
    after = await portal.organizations.UpdateOrganization(changed, metadata=portal.boss.bearer())
    assert (after.display_name, after.business_number) == ("Brighter Sparks", made.business_number)
    changed.request_id = request_id()
    stale = portal.organizations.UpdateOrganization(changed, metadata=portal.boss.bearer())
    assert await refused(stale) == ("ABORTED", "ETAG_MISMATCH")
    sparky = await portal.hire("sparky")
    changed.organization.etag = ""
    changed.request_id = request_id()
    assert (await refused(portal.organizations.UpdateOrganization(changed, metadata=sparky.bearer())))[
        0
    ] == "PERMISSION_DENIED"


async def test_an_organisation_closes_when_it_is_empty(portal: World) -> None:
    made = await portal.found()
    project = await portal.project()
    close = organization_service_pb2.CloseOrganizationRequest(name=made.name, request_id=request_id())

    def fresh() -> Any:
        return portal.boss.step_up("ora_organization_close", made.name)

    assert (await refused(portal.organizations.CloseOrganization(close, metadata=fresh())))[
        1
    ] == "ORGANIZATION_NOT_EMPTY"
    cancel = project_service_pb2.CancelProjectRequest(
        name=project.name, reason=project_service_pb2.CancelProjectRequest.REASON_MISTAKE, request_id=request_id()
    )
    await portal.projects.CancelProject(cancel, metadata=portal.boss.bearer())
    closed = await portal.organizations.CloseOrganization(close, metadata=fresh())
    assert (closed.state, closed.display_name) == (organization_pb2.Organization.STATE_CLOSED, "")
    get = organization_service_pb2.GetOrganizationRequest(name=made.name)
    assert (await refused(portal.organizations.GetOrganization(get, metadata=portal.boss.bearer())))[
        1
    ] == "NOT_A_MEMBER"
    assert await portal.database.value("SELECT count(*) FROM portal.member") == 0


async def suspend(portal: World, member: str, who: Person) -> Any:
    request = member_service_pb2.SuspendMemberRequest(name=member, request_id=request_id())
    return await portal.members.SuspendMember(request, metadata=who.bearer())


async def test_members_are_kept_by_their_admins(portal: World) -> None:
    organization = await portal.found()
    sparky = await portal.hire("sparky")
    boss, own = await portal.member_of(portal.boss), await portal.member_of(sparky)
    assert (await refused(suspend(portal, boss, portal.boss)))[1] == "LAST_ADMIN"
    listed = await portal.members.ListMembers(
        member_service_pb2.ListMembersRequest(parent=organization.name, page_size=1), metadata=sparky.bearer()
    )
    assert len(listed.members) == 1
    rest = await portal.members.ListMembers(
        member_service_pb2.ListMembersRequest(parent=organization.name, page_size=1, page_token=listed.next_page_token),
        metadata=sparky.bearer(),
    )
    assert {each.name for each in (*listed.members, *rest.members)} == {boss, own}
    rename = member_service_pb2.UpdateMemberRequest(
        member=M(name=own, display_name="Sam", role=M.ROLE_ADMIN), request_id=request_id()
    )
    assert (await refused(portal.members.UpdateMember(rename, metadata=sparky.bearer())))[0] == "PERMISSION_DENIED"
    rename.member.role, rename.request_id = M.ROLE_UNSPECIFIED, request_id()
    assert (await portal.members.UpdateMember(rename, metadata=sparky.bearer())).display_name == "Sam"
    assert (await suspend(portal, own, portal.boss)).state == M.STATE_SUSPENDED
    assert (await refused(portal.project(sparky)))[1] == "NOT_A_MEMBER"
    resume = member_service_pb2.ResumeMemberRequest(name=own, request_id=request_id())
    await portal.members.ResumeMember(resume, metadata=portal.boss.bearer())
    await portal.license(sparky)
    await portal.project(sparky)
    leave = member_service_pb2.DeleteMemberRequest(name=own, request_id=request_id())
    assert (await refused(portal.members.DeleteMember(leave, metadata=sparky.bearer())))[1] == "MEMBER_OWNS_PROJECTS"


async def test_nothing_is_begun_without_a_licence(portal: World) -> None:
    organization = await portal.found(licensed=False)
    assert (await refused(portal.project()))[1] == "LICENSE_NOT_VERIFIED"
    portal.register.away = True
    member = await portal.member_of(portal.boss)
    request = license_service_pb2.CreateLicenseRequest(
        parent=organization.name, license=L(holder=member, number="EC1", jurisdiction="AU-NSW"), request_id=request_id()
    )
    made = await portal.licenses.CreateLicense(request, metadata=portal.boss.bearer())
    assert made.state == L.STATE_PENDING
    twin = license_service_pb2.CreateLicenseRequest()
    twin.CopyFrom(request)
    twin.request_id = request_id()
    assert (await refused(portal.licenses.CreateLicense(twin, metadata=portal.boss.bearer())))[1] == "LICENSE_EXISTS"
    portal.register.away = False
    portal.register.known["EC1"] = Answer(verdict=Verdict.IN_FORCE, license_class="Electrician")
    await portal.settle(minutes=6)
    get = license_service_pb2.GetLicenseRequest(name=made.name)
    found = await portal.licenses.GetLicense(get, metadata=portal.boss.bearer())
    assert (found.state, found.license_class) == (L.STATE_VERIFIED, "Electrician")
    assert portal.register.asked[-1][2].subject == "boss"
    assert (await portal.project()).state == project_pb2.Project.STATE_DRAFT


async def test_a_lapsed_licence_stops_its_holders_projects(portal: World) -> None:
    await portal.found(licensed=False)
    held = await portal.license(portal.boss, days=10)
    assert held.state == L.STATE_VERIFIED
    project = await portal.project()
    portal.register.known[held.number] = Answer(verdict=Verdict.EXPIRED)
    await portal.settle(days=11)
    stopped = await portal.get(project.name)
    assert stopped.suspend_reason == project_pb2.Project.SUSPEND_REASON_LICENSE_LAPSED
    resume = project_service_pb2.ResumeProjectRequest(name=project.name, request_id=request_id())
    assert (await refused(portal.projects.ResumeProject(resume, metadata=portal.boss.bearer())))[
        1
    ] == "PROJECT_SUSPENDED"
    assert (await refused(portal.project()))[1] == "LICENSE_LAPSED"
    portal.register.known[held.number] = Answer(verdict=Verdict.IN_FORCE)
    verify = license_service_pb2.VerifyLicenseRequest(name=held.name, request_id=request_id())
    assert (await portal.licenses.VerifyLicense(verify, metadata=portal.boss.bearer())).state == L.STATE_VERIFIED
    assert not (await portal.get(project.name)).suspended
    delete = license_service_pb2.DeleteLicenseRequest(name=held.name, request_id=request_id())
    await portal.licenses.DeleteLicense(delete, metadata=portal.boss.bearer())
    assert (await portal.get(project.name)).suspended


async def test_projects_are_found_listed_changed_and_transferred(portal: World) -> None:
    await portal.found()
    sparky = await portal.hire("sparky")
    await portal.license(sparky)
    site = project_pb2.SiteAddress(address_lines=["12 Élysée Road"], locality="Bondi")
    first = await portal.project(display_name="Kitchen", site=site, notes="Dog in the yard")
    second = await portal.project(sparky, display_name="Kiosk")

    async def names(who: Person, query: str = "") -> list[str]:
        if query:
            search = project_service_pb2.SearchProjectsRequest(query=query)
            return [
                each.name for each in (await portal.projects.SearchProjects(search, metadata=who.bearer())).projects
            ]
        request = project_service_pb2.ListProjectsRequest()
        return [each.name for each in (await portal.projects.ListProjects(request, metadata=who.bearer())).projects]

    assert await names(portal.boss) == [second.name, first.name]
    assert await names(sparky) == [second.name]
    assert await names(portal.boss, "elys bon") == [first.name]
    assert await names(portal.boss, "ki") == [second.name, first.name]
    assert await names(sparky, "elysee") == []
    update = project_service_pb2.UpdateProjectRequest(
        project=project_pb2.Project(name=first.name, notes="", site=project_pb2.SiteAddress(locality="Manly")),
        update_mask=FieldMask(paths=["notes", "site.locality"]),
        request_id=request_id(),
    )
    changed = await portal.projects.UpdateProject(update, metadata=portal.boss.bearer())
    assert (changed.notes, changed.site.locality, changed.site.address_lines) == ("", "Manly", ["12 Élysée Road"])
    assert await names(portal.boss, "dog") == []
    give = project_service_pb2.TransferProjectRequest(
        name=first.name, new_owner=await portal.member_of(sparky), request_id=request_id()
    )
    fresh = portal.boss.step_up("ora_project_transfer", first.name)
    given = await portal.projects.TransferProject(give, metadata=fresh)
    assert given.owner == await portal.member_of(sparky)
    assert await names(sparky) == [first.name, second.name]
