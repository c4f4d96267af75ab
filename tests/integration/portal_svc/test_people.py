"""How people come into an organisation and its projects, and its programs too."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from ora.portal.v1 import (
    account_service_pb2,
    api_token_pb2,
    api_token_service_pb2,
    invitation_pb2,
    invitation_service_pb2,
    member_pb2,
    member_service_pb2,
    organization_service_pb2,
    participant_pb2,
    participant_service_pb2,
    project_service_pb2,
    project_template_pb2,
    project_template_service_pb2,
)

from portal_svc.domain.ids import personal_tenant
from tests.integration.fleet_svc.node import refused
from tests.integration.portal_svc.actors import Person
from tests.integration.portal_svc.people import accept, at, invite, join, token
from tests.integration.portal_svc.world import request_id

if TYPE_CHECKING:
    from tests.integration.portal_svc.world import World

INVITATION, TOKEN = invitation_pb2.Invitation, api_token_pb2.ApiToken
ROLE = participant_pb2.Participant.Role


def stranger(portal: World, name: str = "pat", org: str | None = None) -> Person:
    return Person(portal.idp, name, ("electrician",), org or portal.org)


async def test_who_shows_the_code_joins_once(portal: World) -> None:
    await portal.found()
    made = await invite(portal)
    assert (made.state, made.email, len(made.code)) == (INVITATION.STATE_PENDING, "pat@example.org", 22)
    kept = await portal.database.rows("SELECT * FROM portal.invitation")
    assert made.code not in str(kept)
    assert hashlib.sha256(made.code.encode()).digest() not in {kept[0]["code_digest"], kept[0]["locator"]}
    pat = stranger(portal)
    joined = await accept(portal, made.code, pat)
    assert (joined.display_name, joined.email, joined.role) == (
        "Pat",
        "pat@example.org",
        member_pb2.Member.ROLE_ELECTRICIAN,
    )
    get = invitation_service_pb2.GetInvitationRequest(name=made.name)
    ended = await portal.invitations.GetInvitation(get, metadata=portal.boss.bearer())
    assert (ended.state, ended.email, ended.code, ended.member) == (INVITATION.STATE_ACCEPTED, "", "", joined.name)
    request = project_service_pb2.ListProjectsRequest()
    await portal.projects.ListProjects(request, metadata=pat.bearer())
    listed = account_service_pb2.ListMembershipsRequest(parent="accounts/me")
    mine = await portal.accounts.ListMemberships(listed, metadata=pat.bearer())
    assert [(each.member, each.organization_display_name) for each in mine.memberships] == [
        (joined.name, "Bright Sparks")
    ]
    again = await refused(accept(portal, made.code, stranger(portal, "sam")))
    assert again == ("PERMISSION_DENIED", "INVITATION_REFUSED")


async def test_codes_that_do_not_work_get_one_answer(portal: World) -> None:
    await portal.found()
    revoked, declined, expired, closed = [await invite(portal, f"p{number}@example.org") for number in range(4)]
    revoke = invitation_service_pb2.RevokeInvitationRequest(name=revoked.name, request_id=request_id())
    assert (
        await portal.invitations.RevokeInvitation(revoke, metadata=portal.boss.bearer())
    ).state == INVITATION.STATE_REVOKED
    decline = invitation_service_pb2.DeclineInvitationRequest(code=declined.code, request_id=request_id())
    await portal.invitations.DeclineInvitation(decline, metadata=stranger(portal).bearer())
    await portal.settle(days=8)
    late = await invite(portal, "late@example.org", expire_time=at(portal, hours=2))
    portal.clock.offset += timedelta(hours=3)  # before the timer
    answers = [
        await refused(accept(portal, each.code, stranger(portal)))
        for each in (revoked, declined, expired, closed, late)
    ]
    answers.append(await refused(accept(portal, "A" * 22, stranger(portal))))
    assert set(answers) == {("PERMISSION_DENIED", "INVITATION_REFUSED")}
    states = [INVITATION.STATE_EXPIRED, INVITATION.STATE_DECLINED]
    request = invitation_service_pb2.ListInvitationsRequest(
        parent=f"organizations/{portal.org}", states=states, page_size=2
    )
    first = await portal.invitations.ListInvitations(request, metadata=portal.boss.bearer())
    request.page_token = first.next_page_token
    rest = await portal.invitations.ListInvitations(request, metadata=portal.boss.bearer())
    found = [*first.invitations, *rest.invitations]
    assert [(each.name, each.email) for each in found] == [
        (each.name, "") for each in (late, closed, expired, declined)
    ]
    await portal.settle()
    assert await portal.database.value("SELECT count(*) FROM portal.invitation WHERE email IS NOT NULL") == 0
    assert await portal.database.value("SELECT count(*) FROM portal.live_invitation") == 0


async def test_one_open_invitation_an_address_and_only_admins_invite(portal: World) -> None:
    organization = await portal.found()
    await invite(portal)
    assert (await refused(invite(portal, "PAT@example.org")))[1] == "INVITATION_EXISTS"
    assert (await refused(invite(portal, "x@example.org", expire_time=at(portal, days=31))))[0] == "INVALID_ARGUMENT"
    sparky = await portal.hire("sparky")
    request = invitation_service_pb2.ListInvitationsRequest(parent=organization.name)
    assert (await refused(portal.invitations.ListInvitations(request, metadata=sparky.bearer())))[
        0
    ] == "PERMISSION_DENIED"
    made = await invite(portal, "boss@example.org")
    assert (await refused(accept(portal, made.code, portal.boss)))[1] == "INVITATION_EXISTS"
    again = invitation_service_pb2.CreateInvitationRequest(
        parent=organization.name,
        invitation=INVITATION(email="twice@example.org", role=member_pb2.Member.ROLE_ADMIN),
        request_id=request_id(),
    )
    first = await portal.invitations.CreateInvitation(again, metadata=portal.boss.bearer())
    second = await portal.invitations.CreateInvitation(again, metadata=portal.boss.bearer())
    assert (first.name, bool(first.code), second.code) == (second.name, True, "")


async def test_participants_see_and_do_what_their_role_says(portal: World) -> None:
    await portal.found()
    project = await portal.project()
    sparky, viewer, other = [await portal.hire(name) for name in ("sparky", "vi", "ot")]
    installing = await join(portal, project.name, sparky)
    reading = await join(portal, project.name, viewer, ROLE.ROLE_VIEWER)
    assert (await refused(join(portal, project.name, sparky)))[1] == "PARTICIPANT_EXISTS"
    assert (await refused(join(portal, project.name, portal.boss)))[1] == "PARTICIPANT_IS_OWNER"
    assert (await portal.get(project.name, sparky)).name == project.name
    assert (await refused(portal.get(project.name, other)))[0] == "NOT_FOUND"
    change = project_service_pb2.UpdateProjectRequest(project=project, request_id=request_id())
    change.project.etag = ""
    assert (await refused(portal.projects.UpdateProject(change, metadata=viewer.bearer())))[0] == "PERMISSION_DENIED"
    await portal.projects.UpdateProject(change, metadata=sparky.bearer())
    update = participant_service_pb2.UpdateParticipantRequest(
        participant=participant_pb2.Participant(name=reading.name, role=ROLE.ROLE_INSTALLER, etag=reading.etag),
        request_id=request_id(),
    )
    assert (await refused(portal.participants.UpdateParticipant(update, metadata=sparky.bearer())))[
        0
    ] == "PERMISSION_DENIED"
    raised = await portal.participants.UpdateParticipant(update, metadata=portal.boss.bearer())
    assert (raised.role, raised.etag == reading.etag) == (ROLE.ROLE_INSTALLER, False)
    request = participant_service_pb2.ListParticipantsRequest(parent=project.name, page_size=1)
    first = await portal.participants.ListParticipants(request, metadata=viewer.bearer())
    request.page_token = first.next_page_token
    rest = await portal.participants.ListParticipants(request, metadata=viewer.bearer())
    assert [each.name for each in (*first.participants, *rest.participants)] == [installing.name, reading.name]
    theirs = participant_service_pb2.DeleteParticipantRequest(name=installing.name, request_id=request_id())
    assert (await refused(portal.participants.DeleteParticipant(theirs, metadata=viewer.bearer())))[
        0
    ] == "PERMISSION_DENIED"
    own = participant_service_pb2.DeleteParticipantRequest(name=reading.name, request_id=request_id())
    await portal.participants.DeleteParticipant(own, metadata=viewer.bearer())
    assert (await refused(portal.get(project.name, viewer)))[0] == "NOT_FOUND"
    await portal.bind(project.name, portal.hub())
    await portal.mark_ready(project.name)
    await portal.initiate(project.name)
    for attempt in (
        join(portal, project.name, other),
        portal.participants.DeleteParticipant(theirs, metadata=portal.boss.bearer()),
    ):
        assert (await refused(attempt))[1] == "PROJECT_LOCKED"
    get = participant_service_pb2.GetParticipantRequest(name=installing.name)
    assert await portal.participants.GetParticipant(get, metadata=sparky.bearer()) == installing


def bearer(text: str) -> Any:
    return [("authorization", f"Bearer {text}")]


async def test_a_program_does_what_its_scopes_say_and_nothing_else(portal: World) -> None:
    await portal.found()
    project = await portal.project()
    made = await token(portal, "projects.read", "templates.write")
    assert (made.state, len(made.token), made.token[5:21]) == (TOKEN.STATE_ACTIVE, 65, made.token_id)
    assert made.token[22:] not in str(await portal.database.rows("SELECT * FROM portal.api_token"))
    get = project_service_pb2.GetProjectRequest(name=project.name)
    assert (await portal.projects.GetProject(get, metadata=bearer(made.token))).name == project.name
    create = project_template_service_pb2.CreateProjectTemplateRequest(
        project_template=project_template_pb2.ProjectTemplate(display_name="By a program"), request_id=request_id()
    )
    await portal.templates.CreateProjectTemplate(create, metadata=bearer(made.token))
    listed = member_service_pb2.ListMembersRequest(parent=f"organizations/{portal.org}")
    assert await refused(portal.members.ListMembers(listed, metadata=bearer(made.token))) == (
        "PERMISSION_DENIED",
        "ROLE_NOT_ALLOWED",
    )
    close = organization_service_pb2.CloseOrganizationRequest(
        name=f"organizations/{portal.org}", request_id=request_id()
    )
    assert (await refused(portal.organizations.CloseOrganization(close, metadata=bearer(made.token))))[
        0
    ] == "PERMISSION_DENIED"
    shown = await portal.tokens.GetApiToken(
        api_token_service_pb2.GetApiTokenRequest(name=made.name), metadata=portal.boss.bearer()
    )
    assert (shown.token, shown.last_use_day.seconds % 86_400, shown.HasField("last_use_day")) == ("", 0, True)


async def test_a_token_that_is_wrong_revoked_or_old_is_no_token(portal: World) -> None:
    await portal.found()
    made, short = await token(portal), await token(portal, days=1)
    request = project_service_pb2.ListProjectsRequest()

    async def use(text: str) -> tuple[str, str]:
        return await refused(portal.projects.ListProjects(request, metadata=bearer(text)))

    flipped = made.token[:-1] + ("A" if made.token[-1] != "A" else "B")
    no = ("UNAUTHENTICATED", "TOKEN_INVALID")
    unknown = f"orat_{'0' * 16}_{made.token[22:]}"
    assert {await use(text) for text in (flipped, unknown, "orat_x", made.token + "x")} == {no}
    await portal.projects.ListProjects(request, metadata=bearer(short.token))
    portal.clock.offset += timedelta(days=2)
    assert await use(short.token) == no
    revoke = api_token_service_pb2.RevokeApiTokenRequest(name=made.name, request_id=request_id())
    gone = await portal.tokens.RevokeApiToken(revoke, metadata=portal.boss.bearer())
    assert gone.state == TOKEN.STATE_REVOKED
    assert await use(made.token) == no
    states = api_token_service_pb2.ListApiTokensRequest(
        parent=f"organizations/{portal.org}", states=[TOKEN.STATE_EXPIRED]
    )
    found = await portal.tokens.ListApiTokens(states, metadata=portal.boss.bearer())
    assert [each.name for each in found.api_tokens] == [short.name]


async def test_a_token_is_made_with_a_login_for_just_this(portal: World) -> None:
    await portal.found()
    organization = f"organizations/{portal.org}"
    request = api_token_service_pb2.CreateApiTokenRequest(
        parent=organization,
        api_token=TOKEN(display_name="x", scopes=["projects.read"], expire_time=at(portal, days=1)),
        request_id=request_id(),
    )
    plain = portal.tokens.CreateApiToken(request, metadata=portal.boss.bearer())
    assert (await refused(plain))[0] == "UNAUTHENTICATED"
    other = portal.boss.step_up("ora_api_token_create", f"organizations/{uuid4()}")
    assert (await refused(portal.tokens.CreateApiToken(request, metadata=other)))[1] == "INTENT_MISMATCH"
    assert (await refused(token(portal, "custody.read")))[1] == "SCOPE_NOT_GRANTABLE"
    assert (await refused(token(portal, days=400)))[0] == "INVALID_ARGUMENT"
    fresh = portal.boss.step_up("ora_api_token_create", organization)
    made = await portal.tokens.CreateApiToken(request, metadata=fresh)
    again = await portal.tokens.CreateApiToken(request, metadata=fresh)
    assert (made.name, bool(made.token), again.token) == (again.name, True, "")


async def test_what_names_people_goes_when_the_organisation_closes(portal: World) -> None:
    made = await portal.found()
    await portal.hire("sparky")
    open_invitation, program = await invite(portal), await token(portal)
    close = organization_service_pb2.CloseOrganizationRequest(name=made.name, request_id=request_id())
    fresh = portal.boss.step_up("ora_organization_close", made.name)
    await portal.organizations.CloseOrganization(close, metadata=fresh)
    assert (await refused(accept(portal, open_invitation.code, stranger(portal))))[1] == "INVITATION_REFUSED"
    request = project_service_pb2.ListProjectsRequest()
    assert (await refused(portal.projects.ListProjects(request, metadata=bearer(program.token))))[1] == "TOKEN_INVALID"
    for query in (
        "SELECT count(*) FROM portal.member",
        "SELECT count(*) FROM portal.membership",
        "SELECT count(*) FROM portal.invitation WHERE email IS NOT NULL OR inviter_member_id IS NOT NULL",
        "SELECT count(*) FROM portal.api_token WHERE display_name <> '' OR creator_member_id IS NOT NULL",
    ):
        assert await portal.database.value(query) == 0, query


async def test_memberships_of_before_are_found(portal: World) -> None:
    """The migration makes them in SQL as the code does."""
    await portal.found()
    made = r"""SELECT encode(set_byte(set_byte(own, 6, get_byte(own, 6) & 15 | 128), 8, get_byte(own, 8) & 63 | 128),
                            'hex')::uuid
                FROM (SELECT substring(sha256('ora personal tenant v1'::bytea || '\x00'::bytea || $1)
                                       FOR 16) AS own) AS x"""
    assert await portal.database.value(made, portal.boss.digest) == personal_tenant(portal.boss.digest)
    row = await portal.database.rows("SELECT * FROM portal.membership")
    assert row[0]["tenant_id"] == personal_tenant(portal.boss.digest)
    assert row[0]["organization_id"] == UUID(portal.org)
