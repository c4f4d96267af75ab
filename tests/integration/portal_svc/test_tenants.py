"""Who is not of the organisation reads nothing, changes nothing, and is not told that anything is there."""

from __future__ import annotations

import importlib
import pkgutil
import re
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import grpc
import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message_factory import GetMessageClass
from ora.options.v1 import options_pb2 as options
from ora.portal import v1
from ora.portal.v1 import plan_pb2, plan_service_pb2, project_service_pb2

from mesh.channel import reason_of
from tests.integration.portal_svc import people, plans
from tests.integration.portal_svc.actors import Person
from tests.integration.portal_svc.fitting import fitted
from tests.integration.portal_svc.test_templates import template, version
from tests.integration.portal_svc.world import STUBS

if TYPE_CHECKING:
    from tests.integration.portal_svc.world import World

UUIDS = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
# They name nothing that is a tenant's: a code or locator, oneself, or what everybody may read.
NAMELESS = {
    "AcceptInvitation",
    "DeclineInvitation",
    "ChallengeAccessKey",
    "ClaimAccessKey",
    "CreateOrganization",
    "CreateProject",
    "CreateProjectTemplate",
    "ListProjectTemplates",
    "ListProjects",
    "SearchProjects",
    "WatchProjects",
    "LookupErasureReceipt",
}
# Answers that are about the shape: of what only a signature or a seal could fill.
UNREACHED = 5


def services() -> dict[str, Any]:
    """Return every service that people reach, from the contract."""
    found = {}
    for module in pkgutil.iter_modules(v1.__path__):
        if module.name.endswith("_service_pb2"):
            descriptor = importlib.import_module(f"{v1.__name__}.{module.name}").DESCRIPTOR
            found.update({each.name: each for each in descriptor.services_by_name.values()})
    return {name: each for name, each in found.items() if any(_for_people(method) for method in each.methods)}


def _policy(method: Any) -> Any:
    return method.GetOptions().Extensions[options.policy]


def _for_people(method: Any) -> bool:
    people_too = {options.SUBJECT_PERSON, options.SUBJECT_PERSON_OR_HUB}
    return "gateway" in _policy(method).callers and _policy(method).subject in people_too


SHORT = {stub.__name__.removesuffix("Stub"): short for short, stub in STUBS.items()}


def methods() -> list[tuple[str, Any]]:
    """Return every method about a resource that a person may call."""
    return [
        (SHORT[name], method)
        for name, service in sorted(services().items())
        for method in service.methods
        if _for_people(method) and method.name not in NAMELESS
    ]


def place_of_name(message: Any) -> list[str]:
    """Return the path of the field that names the resource."""
    for name in ("name", "parent", "project", "hub", "organization"):
        field = message.fields_by_name.get(name)
        if field is not None and field.type == FieldDescriptor.TYPE_STRING:
            return [name]
    for field in message.fields:
        if field.message_type is not None and "name" in field.message_type.fields_by_name and not field.is_repeated:
            return [field.name, "name"]
    raise AssertionError(f"{message.full_name} names no resource")


def asked(method: Any, names: list[str]) -> tuple[Any, str]:
    """Return a request about one of the names, and the name."""
    request: Any = GetMessageClass(method.input_type)()
    *before, last = place_of_name(method.input_type)
    target: Any = request
    for part in before:
        target = getattr(target, part)
    fitted(request, names)
    for name in names:
        setattr(target, last, name)
        before_fit = request.SerializeToString(deterministic=True)
        fitted(request, names)
        if getattr(target, last) == name and before_fit:
            break
    return request, getattr(target, last)


async def outcome(portal: World, short: str, method: Any, request: Any, metadata: Any) -> tuple[str, str, str]:
    call = getattr(getattr(portal, short), method.name)
    given: Any = iter([request]) if method.client_streaming else request
    try:
        answer = call(given, metadata=metadata)
        if method.server_streaming:
            async for _ in answer:
                break
        else:
            await answer
    except grpc.aio.AioRpcError as error:
        return error.code().name, reason_of(error), UUIDS.sub("", error.details() or "")
    return "OK", "", ""


def login(who: Person, method: Any, name: str) -> Any:
    """Return a token that has every step-up that there is for this name."""
    intent = _policy(method).step_up.intent
    if not intent:
        return who.bearer()
    project = "/".join(name.split("/")[:2])
    return who.bearer(
        *({"type": intent, "resource": each, "generation": number} for each in (name, project) for number in (0, 1))
    )


@pytest.fixture
def rival(portal: World) -> Person:
    return Person(portal.idp, "rival", ("org_admin", "electrician"), str(uuid4()))


async def theirs(portal: World) -> list[str]:
    """Make one of everything, and return the names."""
    organization = await portal.found()
    sparky = await portal.hire("sparky")
    ways = await template(portal)
    first = await version(portal, ways.name)
    draft = await portal.project()
    plan = await plans.new_plan(portal, draft.name, plan_pb2.Plan.KIND_PAIRING_PLAN)
    revision = await plans.store(portal, plan, plans.sealed(plan, b"a"))
    upload = await plans.declare(portal, plan, plans.sealed(plan, b"b", 2), 2)
    joined = await people.join(portal, draft.name, sparky)
    invitation = await people.invite(portal)
    token = await people.token(portal)
    account = await people.account(portal, portal.boss)
    export = await people.export(portal, portal.boss)
    project, _ = await portal.ready()
    handover, _ = await portal.initiate(project)
    license_id = await portal.database.value("SELECT license_id FROM portal.license")
    entry = await portal.database.value(
        "SELECT max(sequence) FROM portal.audit_entry WHERE tenant_id = $1", UUID(portal.org)
    )
    item = await people.item(portal, draft.name)
    return [
        organization.name,
        await portal.member_of(portal.boss),
        f"{organization.name}/licenses/{license_id}",
        f"{organization.name}/tombstones/{uuid4()}",
        f"{organization.name}/auditEntries/{entry}",
        invitation.name,
        token.name,
        draft.name,
        item.name,
        plan.name,
        revision.name,
        upload.name,
        joined.name,
        project,
        handover.name,
        handover.access_key,
        f"{project}/custody",
        ways.name,
        first.name,
        account.name,
        export.name,
        f"{account.name}/erasureRequests/{uuid4()}",
        f"erasureReceipts/{uuid4()}",
        f"hubs/{uuid4()}",
    ]


async def fingerprint(portal: World) -> dict[str, str]:
    """Return what every table holds of the organisation."""
    tables = await portal.database.rows(
        """SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
            WHERE c.relnamespace = 'portal'::regnamespace AND c.relkind = 'r'"""
    )
    return {
        name: await portal.database.value(
            f"SELECT md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM portal.{name} t"  # noqa: S608
            " WHERE tenant_id = $1",
            UUID(portal.org),
        )
        for (name,) in tables
    }


async def test_every_method_about_anothers_resource_is_refused_like_one_about_nothing(
    portal: World, rival: Person
) -> None:
    names = await theirs(portal)
    await portal.found(rival)
    await people.account(portal, rival)
    before, weak, tried = await fingerprint(portal), [], 0
    for short, method in methods():
        for who in (rival, portal.homeowner("somebody")):
            request, name = asked(method, names)
            other, nothing = asked(method, [UUIDS.sub(lambda _: str(uuid4()), each) for each in [name, *names]])
            answer = await outcome(portal, short, method, request, login(who, method, name))
            assert answer[0] != "OK", (method.full_name, str(request))
            again = await outcome(portal, short, method, other, login(who, method, nothing))
            assert again == answer, (method.full_name, who.name)
            tried += 1
            if answer[0] == "INVALID_ARGUMENT":
                weak.append(f"{who.name} {method.name}: {answer[1]} {answer[2]}")
    assert tried > 150
    assert len(weak) <= UNREACHED, weak
    assert await fingerprint(portal) == before


async def test_lists_of_ones_own_show_nothing_of_others(portal: World, rival: Person) -> None:
    await theirs(portal)
    await portal.found(rival)
    request = project_service_pb2.ListProjectsRequest()
    assert not (await portal.projects.ListProjects(request, metadata=rival.bearer())).projects
    search = project_service_pb2.SearchProjectsRequest(query="Kitchen")
    assert not (await portal.projects.SearchProjects(search, metadata=rival.bearer())).projects


async def test_an_id_that_anothers_project_has_is_free_in_ones_own(portal: World, rival: Person) -> None:
    await portal.found()
    await portal.found(rival)
    mine, yours = await portal.project(), await portal.project(rival)
    made = await plans.new_plan(portal, mine.name)
    request = plan_service_pb2.CreatePlanRequest(
        parent=yours.name,
        plan=plan_pb2.Plan(kind=plan_pb2.Plan.KIND_FLOOR_PLAN),
        plan_id=made.name.rsplit("/", 1)[1],
        request_id=str(uuid4()),
    )
    assert (await portal.plans.CreatePlan(request, metadata=rival.bearer())).name.startswith(yours.name)


async def test_a_person_who_is_no_member_is_told_so(portal: World) -> None:
    await portal.found()
    stranger = Person(portal.idp, "stranger", ("electrician",), portal.org)
    request = project_service_pb2.ListProjectsRequest()
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await portal.projects.ListProjects(request, metadata=stranger.bearer())
    assert reason_of(refusal.value) == "NOT_A_MEMBER"


def test_the_walk_goes_through_every_service_that_people_reach() -> None:
    assert set(services()) - set(SHORT) == set()
    assert {method.name for service in services().values() for method in service.methods} >= NAMELESS
