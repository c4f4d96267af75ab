"""Who is not of the organisation reads nothing, changes nothing, and is not told that anything is there."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import grpc
import protovalidate
import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message_factory import GetMessageClass
from ora.portal.v1 import (
    access_key_service_pb2,
    checklist_item_service_pb2,
    erasure_receipt_service_pb2,
    handover_service_pb2,
    hub_binding_service_pb2,
    license_service_pb2,
    member_service_pb2,
    organization_service_pb2,
    project_service_pb2,
    tombstone_service_pb2,
)

from mesh.channel import reason_of
from tests.integration.portal_svc.actors import Person
from tests.integration.portal_svc.world import STUBS, request_id

if TYPE_CHECKING:
    from tests.integration.portal_svc.world import World

SERVICES = {
    "organizations": organization_service_pb2,
    "members": member_service_pb2,
    "licenses": license_service_pb2,
    "projects": project_service_pb2,
    "checklist": checklist_item_service_pb2,
    "bindings": hub_binding_service_pb2,
    "handovers": handover_service_pb2,
    "keys": access_key_service_pb2,
    "receipts": erasure_receipt_service_pb2,
    "tombstones": tombstone_service_pb2,
}


def unary_methods() -> list[tuple[str, Any]]:
    """Return every method of the ten services that names a resource."""
    return [
        (short, method)
        for short, module in SERVICES.items()
        for service in module.DESCRIPTOR.services_by_name.values()
        for method in service.methods
        if not method.server_streaming and place_of_name(method.input_type) is not None
    ]


def place_of_name(message: Any) -> list[str] | None:
    """Return the path of the field that names the resource."""
    for name in ("name", "parent", "project"):
        field = message.fields_by_name.get(name)
        if field is not None and field.type == FieldDescriptor.TYPE_STRING:
            return [name]
    for field in message.fields:
        if field.message_type is not None and "name" in field.message_type.fields_by_name and not field.is_repeated:
            return [field.name, "name"]
    return None


def asked(method: Any, theirs: dict[str, str]) -> Any:
    """Return a request about the other tenant's resource, with every other field as small as the contract lets it."""
    request: Any = GetMessageClass(method.input_type)()
    path = place_of_name(method.input_type)
    assert path
    target: Any = request
    for part in path[:-1]:
        target = getattr(target, part)
    field = target.DESCRIPTOR.fields_by_name[path[-1]]
    fitting = [name for name in theirs.values() if _fits(target, field.name, name)]
    if not fitting:
        return None
    setattr(target, field.name, fitting[0])
    if "request_id" in method.input_type.fields_by_name:
        request.request_id = request_id()
    return request


def _fits(target: Any, field: str, name: str) -> bool:
    probe = type(target)()
    setattr(probe, field, name)
    told = [one.proto.field.elements for one in protovalidate.collect_violations(probe) if one.proto.field]
    return not any(elements and elements[0].field_name == field for elements in told)


@pytest.fixture
def rival(portal: World) -> Person:
    return Person(portal.idp, "rival", ("org_admin", "electrician"), str(uuid4()))


async def theirs(portal: World) -> dict[str, str]:
    organization = await portal.found()
    project, _ = await portal.ready()
    handover, _ = await portal.initiate(project)
    license_id = await portal.database.value("SELECT license_id FROM portal.license")
    return {
        "organization": organization.name,
        "member": await portal.member_of(portal.boss),
        "license": f"{organization.name}/licenses/{license_id}",
        "project": project,
        "handover": handover.name,
        "key": handover.access_key,
        "item": f"{project}/checklistItems/{uuid4()}",
        "tombstone": f"{organization.name}/tombstones/{uuid4()}",
    }


async def test_every_method_about_another_tenants_resource_is_refused(portal: World, rival: Person) -> None:
    names = await theirs(portal)
    await portal.found(rival, licensed=False)
    digest = "SELECT md5(string_agg(p::text, '' ORDER BY project_id)) FROM portal.project p"
    before = await portal.database.value(digest)
    tried = 0
    for short, method in unary_methods():
        name, request = method.name, asked(method, names)
        if request is None:
            continue
        outcomes = []
        for who in (rival, portal.homeowner("somebody")):
            try:
                await getattr(getattr(portal, short), name)(request, metadata=who.bearer())
            except grpc.aio.AioRpcError as error:
                outcomes.append((error.code(), reason_of(error)))
            else:
                outcomes.append((grpc.StatusCode.OK, ""))
        tried += 1
        assert grpc.StatusCode.OK not in {code for code, _ in outcomes}, name
    assert tried > 30
    assert await portal.database.value(digest) == before


async def test_a_foreign_name_is_answered_like_no_name(portal: World, rival: Person) -> None:
    names = await theirs(portal)
    await portal.found(rival, licensed=False)
    nothing = f"projects/{uuid4()}"
    seen = []
    for name, who in itertools.product((names["project"], nothing), (rival,)):
        try:
            await portal.get(name, who)
        except grpc.aio.AioRpcError as error:
            seen.append((error.code(), error.details(), reason_of(error)))
    assert len(seen) == 2
    assert seen[0] == seen[1]
    request = project_service_pb2.ListProjectsRequest()
    assert not (await portal.projects.ListProjects(request, metadata=rival.bearer())).projects


async def test_a_person_who_is_no_member_is_told_so(portal: World) -> None:
    await portal.found()
    stranger = Person(portal.idp, "stranger", ("electrician",), portal.org)
    request = project_service_pb2.ListProjectsRequest()
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await portal.projects.ListProjects(request, metadata=stranger.bearer())
    assert reason_of(refusal.value) == "NOT_A_MEMBER"


def test_the_services_of_the_walk_are_those_of_the_world() -> None:
    assert set(SERVICES) == set(STUBS)
