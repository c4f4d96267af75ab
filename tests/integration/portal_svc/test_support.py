"""Support work: figures and life cycles, never what a person wrote; each look is in the audit with its ticket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

import pytest
from ora.portal.v1 import job_pb2, job_service_pb2, operator_service_pb2, project_pb2
from ora.portal.v1.audit_entry_pb2 import ACTOR_KIND_SUPPORT, AuditRecord
from ora.portal.v1.job_service_pb2_grpc import JobServiceStub
from ora.portal.v1.operator_service_pb2_grpc import OperatorServiceStub
from ora.portal.v1.project_template_pb2 import ProjectTemplate, ProjectTemplateVersion, TemplateChecklistItem
from ora.portal.v1.project_template_service_pb2 import ListProjectTemplatesRequest

from mesh.certs import Certificates
from mesh.channel import Channel
from mesh.kms import FileKms
from mesh.outbox import OutboxRelay
from portal_svc.domain import work
from portal_svc.jobs.sweeping import jobs_of
from portal_svc.jobs.worker import TRIES
from tests.integration.fleet_svc.node import refused
from tests.integration.portal_svc.actors import Person
from tests.integration.portal_svc.remote import ready
from tests.integration.portal_svc.world import STAFF, request_id

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.integration.portal_svc.world import World

P, J = project_pb2.Project, job_pb2.Job
TICKET = "T-4711"
KEYS = "SELECT p.data_key AS p, c.data_key AS c FROM portal.project p, portal.custody c"


class Helper(Person):
    """One of Ora's own people."""

    @property
    def issuer(self) -> str:
        return STAFF.issuer


class Support:
    """Ora's support at the operator's command line."""

    def __init__(self, portal: World, channel: Channel) -> None:
        self.person = Helper(portal.idp, "helper", ("support",))
        self.operator, self.jobs = OperatorServiceStub(channel), JobServiceStub(channel)

    def bearer(self) -> Any:
        return self.person.bearer()

    async def ask(self, method: str, **fields: Any) -> Any:
        kind = getattr(operator_service_pb2, f"{method}Request")
        if "request_id" in kind.DESCRIPTOR.fields_by_name:
            fields.setdefault("request_id", request_id())
        return await getattr(self.operator, method)(kind(**fields, ticket=TICKET), metadata=self.bearer())

    async def job(self, method: str, **fields: Any) -> Any:
        kind = getattr(job_service_pb2, f"{method}Request")
        if "request_id" in kind.DESCRIPTOR.fields_by_name:
            fields.setdefault("request_id", request_id())
        return await getattr(self.jobs, method)(kind(**fields, ticket=TICKET), metadata=self.bearer())

    async def listed(self, **fields: Any) -> list[job_pb2.Job]:
        found, token = [], ""
        while True:
            page = await self.job("ListJobs", page_token=token, **fields)
            found += page.jobs
            token = page.next_page_token
            if not token:
                return found


@pytest.fixture
async def support(portal: World, certificates: Path) -> AsyncIterator[Support]:
    channel = Channel("portal", [portal.address], Certificates(certificates, "operator"))
    yield Support(portal, channel)
    await channel.close()


async def noted(portal: World, tenant: str | None = None) -> list[tuple[str, str]]:
    rows = await portal.database.rows("SELECT record, tenant_id FROM portal.audit_entry ORDER BY tenant_id, sequence")
    said = [AuditRecord.FromString(row["record"]) for row in rows if not tenant or str(row["tenant_id"]) == tenant]
    return [
        (each.action.rpartition("/")[2], each.resource)
        for each in said
        if each.actor_kind == ACTOR_KIND_SUPPORT and each.ticket == TICKET
    ]


async def test_an_organisation_is_seen_by_its_figures_alone(portal: World, support: Support) -> None:
    made = await portal.found()
    await portal.project()
    seen = await support.ask("GetOrganizationSummary", name=made.name)
    assert (seen.member_count, seen.licensed_member_count, seen.live_project_count) == (1, 1, 1)
    assert "Bright Sparks" not in str(seen)
    listed = await support.ask("ListOrganizationSummaries", page_size=1)
    assert [each.name for each in listed.organization_summaries] == [made.name]
    assert listed.next_page_token == ""
    unknown = support.ask("GetOrganizationSummary", name=f"organizations/{uuid4()}")
    assert (await refused(unknown))[0] == "NOT_FOUND"
    assert ("GetOrganizationSummary", made.name) in await noted(portal, portal.org)


async def test_an_organisation_is_stopped_and_goes_on(portal: World, support: Support) -> None:
    made = await portal.found()
    stopped = await support.ask("SuspendOrganization", name=made.name)
    assert stopped.state == 2
    assert await refused(portal.project()) == ("FAILED_PRECONDITION", "ORGANIZATION_NOT_ACTIVE")
    assert await refused(support.ask("ResumeOrganization", name=made.name, etag=made.etag)) == (
        "ABORTED",
        "ETAG_MISMATCH",
    )
    await support.ask("ResumeOrganization", name=made.name)
    await portal.project()
    quota = await support.ask("SetProjectQuota", name=made.name, project_quota=1)
    assert quota.project_quota == 1
    assert (await refused(portal.project()))[1] == "QUOTA_EXCEEDED"


async def test_a_project_is_seen_by_its_life_alone(portal: World, support: Support) -> None:
    organization = await portal.found()
    remote = await ready(portal)
    await remote.claimed()
    seen = await support.ask("GetProjectSummary", name=remote.project)
    assert (seen.state, seen.lock_epoch, seen.generation) == (P.STATE_PENDING_HANDOVER, 1, 1)
    assert (seen.handover_state, seen.access_key_state, seen.custody_state, seen.mode) == (2, 2, 1, 2)
    assert seen.HasField("expire_time")
    assert "Kitchen" not in str(seen)
    for parent in (organization.name, seen.hub):
        listed = await support.ask("ListProjectSummaries", parent=parent)
        assert [each.name for each in listed.project_summaries] == [remote.project]
    none = await support.ask("ListProjectSummaries", parent=f"hubs/{uuid4()}")
    assert not none.project_summaries
    assert (await refused(support.ask("GetProjectSummary", name=f"projects/{uuid4()}")))[0] == "NOT_FOUND"
    still = await support.ask("SuspendProjectBySupport", name=remote.project)
    assert still.suspended
    goes_on = await support.ask("ResumeProjectBySupport", name=remote.project)
    assert not goes_on.suspended


async def test_support_is_a_role_at_the_operators_command_line_alone(portal: World, support: Support) -> None:
    made = await portal.found()
    request = operator_service_pb2.GetOrganizationSummaryRequest(name=made.name, ticket=TICKET)
    through_the_gateway = OperatorServiceStub(portal.channel).GetOrganizationSummary(request, metadata=support.bearer())
    assert (await refused(through_the_gateway))[0] == "PERMISSION_DENIED"
    as_an_admin = support.operator.GetOrganizationSummary(request, metadata=portal.boss.bearer())
    assert (await refused(as_an_admin))[0] == "PERMISSION_DENIED"
    request.ticket = ""
    without = support.operator.GetOrganizationSummary(request, metadata=support.bearer())
    assert (await refused(without))[0] == "INVALID_ARGUMENT"


async def test_a_chain_is_verified_and_a_broken_one_found(portal: World, support: Support) -> None:
    made = await portal.found()
    await portal.project()
    await portal.checkpoints.sign_all(portal.now())
    good = await support.ask("VerifyAuditChain", name=made.name)
    assert (good.first_bad_sequence, good.checkpoint_count) == (0, 1)
    assert good.entry_count >= 3
    connection = await portal.database.connect("postgres")
    record = await connection.fetchval("SELECT record FROM portal.audit_entry WHERE sequence = 2")
    changed = record[:-1] + bytes([record[-1] ^ 1])
    await connection.execute("UPDATE portal.audit_entry SET record = $1 WHERE sequence = 2", changed)
    await connection.close()
    assert (await support.ask("VerifyAuditChain", name=made.name)).first_bad_sequence == 2


async def test_a_template_of_oras_own_is_every_organisations(portal: World, support: Support) -> None:
    await portal.found()
    version = ProjectTemplateVersion(checklist_items=[TemplateChecklistItem(title="Test the RCD", required=True)])
    given = ProjectTemplate(display_name="House", description="A house")
    first = await support.ask("PublishOraTemplate", template=given, version=version)
    given.name = first.name.partition("/versions/")[0]
    second = await support.ask("PublishOraTemplate", template=given, version=version)
    assert second.name.endswith("/versions/2")
    listed = await portal.templates.ListProjectTemplates(ListProjectTemplatesRequest(), metadata=portal.boss.bearer())
    assert [each.name for each in listed.project_templates] == [given.name]


async def test_keys_are_wrapped_anew_and_open_as_before(portal: World, support: Support) -> None:
    made = await portal.found()
    remote = await ready(portal)
    await remote.claimed()
    await remote.approve()
    before = (await portal.database.rows(KEYS))[0]
    FileKms.create(portal.kms_folder).rotate()
    job = await support.ask("RewrapTenantKeys", name=made.name)
    assert (job.kind, job.state) == (job_pb2.JOB_KIND_REWRAP_KEYS, J.STATE_WAITING)
    await portal.settle()
    after = (await portal.database.rows(KEYS))[0]
    kms = FileKms.create(portal.kms_folder)
    for name in ("p", "c"):
        assert before[name] != after[name]
        assert kms.key_id(before[name]) == kms.key_id(after[name])
    (portal.kms_folder / "root-0001.key").unlink()
    assert (await portal.get(remote.project)).display_name == "Kitchen"
    assert remote.opened(await remote.release()) == remote.project_key


async def test_jobs_are_seen_tried_again_and_given_up(portal: World, support: Support) -> None:
    await portal.found()
    project, hub = await portal.ready()
    _, key = await portal.initiate(project)
    await portal.receipt(hub, await portal.claim(key))
    portal.registry.away = True
    for _ in range(TRIES):
        await portal.settle(hours=1, seconds=1)
    dead = (await support.listed(states=[J.STATE_DEAD], kinds=[job_pb2.JOB_KIND_FINISH_HANDOVER]))[0]
    assert (dead.attempt_count, dead.max_attempts) == (TRIES, TRIES)
    assert dead.last_error_reason == "REGISTRY_UNAVAILABLE"
    assert len(dead.last_trace_id) == 32
    assert not dead.HasField("next_run_time")
    refusal = await refused(support.job("DiscardJob", name=dead.name))
    assert refusal == ("FAILED_PRECONDITION", "JOB_STATE_CONFLICT")
    portal.registry.away = False
    again = await support.job("RetryJob", name=dead.name)
    assert (again.state, again.attempt_count) == (J.STATE_WAITING, 0)
    assert await refused(support.job("RetryJob", name=dead.name)) == ("FAILED_PRECONDITION", "JOB_STATE_CONFLICT")
    await portal.settle(seconds=1)
    assert (await refused(support.job("GetJob", name=dead.name)))[0] == "NOT_FOUND"
    assert ("RetryJob", dead.name) in await noted(portal)


async def test_what_is_not_owed_may_be_given_up(portal: World, support: Support) -> None:
    await portal.found()
    connection = await portal.database.connect("postgres")
    await connection.execute("UPDATE portal.task SET dead_time = now(), last_reason = 'X' WHERE kind = 'CHECK_LICENSE'")
    await connection.close()
    (dead,) = await support.listed(states=[J.STATE_DEAD])
    given_up = await support.job("DiscardJob", name=dead.name)
    assert given_up.state == J.STATE_DISCARDED
    assert [each.name for each in await support.listed(states=[J.STATE_DISCARDED])] == [dead.name]
    assert (await support.job("GetJob", name=dead.name)).kind == job_pb2.JOB_KIND_VERIFY_LICENSES


async def test_what_recurs_is_listed_first_and_can_be_run_now(portal: World, support: Support) -> None:
    connection = await portal.database.connect("postgres")
    for name in work.RECURRING:
        await connection.execute("INSERT INTO portal.job VALUES ($1, interval '1 hour', now())", name)
    await connection.close()
    listed = await support.listed(page_size=1)
    assert {each.resource for each in listed} >= set(work.RECURRING)
    ran = await support.job("RunJob", kind=job_pb2.JOB_KIND_CHECKPOINT_AUDIT)
    assert not ran.HasField("next_run_time")
    assert (await support.job("GetJob", name=ran.name)).resource == "sign audit checkpoints"
    assert (await refused(support.job("RunJob", kind=job_pb2.JOB_KIND_STRIP_PROJECT)))[0] == "INVALID_ARGUMENT"


async def test_every_task_and_every_recurring_job_has_a_name_in_the_contract(portal: World) -> None:
    database = portal.worker._database
    outbox = OutboxRelay(database, cast("Any", None), schema="portal")
    assert portal.worker._handlers.keys() == work.KINDS.keys()
    assert {each.name for each in (*jobs_of(database, outbox, portal.checkpoints), *portal.rooms.jobs)} == set(
        work.RECURRING
    )
    for name in (*work.KINDS.values(), *work.RECURRING.values(), *work.OWED):
        assert job_pb2.JobKind.Value(f"JOB_KIND_{name}")
