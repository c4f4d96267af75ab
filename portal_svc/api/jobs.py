"""Owns JobService: what the portal does by itself, shown to operators, who help where it could not."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid5

from ora.portal.v1 import job_pb2
from ora.portal.v1 import job_service_pb2 as pb
from ora.portal.v1 import job_service_pb2_grpc as rpc

from mesh.errors import InvalidArgumentError, NotFoundError, StateConflictError
from portal_svc.api import audit, pages
from portal_svc.api.names import JOB, ORGANIZATION, hub_name, project_name
from portal_svc.api.repeat import repeatable
from portal_svc.api.times import to_timestamp
from portal_svc.domain import work
from portal_svc.domain.ids import PLATFORM
from portal_svc.jobs.worker import TRIES
from portal_svc.store import job_board as store

if TYPE_CHECKING:
    from collections.abc import Callable

    from mesh.db import Tx
    from portal_svc.api.desk import Desk
    from portal_svc.store.job_board import Waiting

Job = job_pb2.Job
_KIND: Final = job_pb2.JobKind
_RECURRING: Final = UUID("3b1f6a70-5a55-5f0e-9d0e-6f1f0a6a7c11")
_CONTRACT: Final = {kind: _KIND.Value(f"JOB_KIND_{name}") for kind, name in work.KINDS.items()}


class JobService(rpc.JobServiceServicer):
    """Jobs. Every look is in Ora's own audit, with its ticket."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def GetJob(self, request: pb.GetJobRequest, context: Any) -> Job:
        """Return one job."""
        del context
        job_id = JOB.parse_one(request.name)
        async with self._desk.database.tenant(PLATFORM) as tx:
            await self._note(tx, request.name, request.ticket)
            return await self._shown(tx, job_id)

    async def ListJobs(self, request: pb.ListJobsRequest, context: Any) -> pb.ListJobsResponse:
        """Return one page of jobs, newest first; on the first page before them what recurs."""
        del context
        cursor, size = pages.cursor_of(self._desk, request), pages.size_of(request)
        before = (datetime.fromisoformat(cursor[0]), UUID(cursor[1])) if cursor else None
        kinds = [kind for kind, number in _CONTRACT.items() if number in request.kinds]
        tenant = ORGANIZATION.parse_one(request.organization, field="organization") if request.organization else None
        states = [Job.State.Name(each).removeprefix("STATE_") for each in request.states]
        async with self._desk.database.tenant(PLATFORM) as tx:
            await self._note(tx, "jobs", request.ticket)
            found = []
            if kinds or not request.kinds:
                found = await store.page(tx, before=before, kinds=kinds, tenant=tenant, states=states, limit=size + 1)
            recurring = [] if cursor or tenant else await self._recurring(tx)
        wanted = [
            each
            for each in recurring
            if (not request.kinds or each.kind in request.kinds)
            and (not request.states or each.state in request.states)
        ]
        last = (found[:size][-1].create_time.isoformat(), found[:size][-1].task_id) if found else ()
        return pb.ListJobsResponse(
            jobs=[*wanted, *map(to_job, found[:size])],
            next_page_token=pages.token(self._desk, request, found, *last),
        )

    async def RunJob(self, request: pb.RunJobRequest, context: Any) -> Job:
        """Make what recurs run at the next look."""
        del context
        names = [name for name, kind in work.RECURRING.items() if _KIND.Value(f"JOB_KIND_{kind}") == request.kind]
        if not names:
            raise InvalidArgumentError.field("kind", "not a job that runs by the clock")

        async def effect(tx: Tx) -> Job:
            await store.run_now(tx, names)
            await self._note(tx, "jobs", request.ticket)
            return next(each for each in await self._recurring(tx) if each.kind == request.kind)

        async with self._desk.database.tenant(PLATFORM) as tx:
            return await repeatable(tx, Job, partial(effect, tx), partial(self._again, tx))

    async def RetryJob(self, request: pb.RetryJobRequest, context: Any) -> Job:
        """Give a dead job its tries back."""
        del context
        return await self._move(request, lambda tx, held: store.retry(tx, held.task_id, self._desk.now()))

    async def DiscardJob(self, request: pb.DiscardJobRequest, context: Any) -> Job:
        """Give a dead job up; what erases or strips cannot be."""
        del context

        async def discard(tx: Tx, held: Waiting) -> None:
            if work.KINDS[held.kind] in work.OWED:
                raise StateConflictError("what erases cannot be given up", reason="JOB_STATE_CONFLICT", kind=held.kind)
            await store.discard(tx, held.task_id, self._desk.now())

        return await self._move(request, discard)

    async def _move(self, request: Any, change: Callable[[Tx, Waiting], Any]) -> Job:
        job_id = JOB.parse_one(request.name)

        async def effect(tx: Tx) -> Job:
            held = await store.get(tx, job_id)
            if held is None:
                raise _unknown()
            if held.dead_time is None or held.discard_time is not None:
                raise StateConflictError("the job is not dead", reason="JOB_STATE_CONFLICT")
            await change(tx, held)
            await self._note(tx, request.name, request.ticket)
            return await self._shown(tx, job_id)

        async with self._desk.database.tenant(PLATFORM) as tx:
            return await repeatable(tx, Job, partial(effect, tx), partial(self._again, tx))

    async def _again(self, tx: Tx, kept: Job) -> Job:
        return await self._shown(tx, JOB.parse_one(kept.name))

    async def _shown(self, tx: Tx, job_id: UUID) -> Job:
        held = await store.get(tx, job_id)
        if held is not None:
            return to_job(held)
        name = JOB.format(job_id)
        for each in await self._recurring(tx):
            if each.name == name:
                return each
        raise _unknown()

    @staticmethod
    async def _recurring(tx: Tx) -> list[Job]:
        return [
            Job(
                name=JOB.format(uuid5(_RECURRING, name)),
                kind=_KIND.Value(f"JOB_KIND_{work.RECURRING[name]}"),
                state=Job.STATE_WAITING,
                resource=name,
                end_time=to_timestamp(last),
                next_run_time=to_timestamp(following),
            )
            for name, last, following in await store.recurring(tx)
            if name in work.RECURRING
        ]

    async def _note(self, tx: Tx, resource: str, ticket: str) -> None:
        await audit.write(tx, PLATFORM, resource, now=self._desk.now(), ticket=ticket)


def to_job(each: Waiting) -> Job:
    """Return the job as the contract shows it."""
    named = hub_name if each.kind in work.OF_HUBS else project_name if each.kind in work.OF_PROJECTS else str
    return Job(
        name=JOB.format(each.task_id),
        kind=_CONTRACT[each.kind],
        state=_state(each),
        organization=ORGANIZATION.format(each.tenant_id),
        resource=named(each.subject_id),
        attempt_count=each.attempts,
        max_attempts=TRIES,
        last_error_reason=each.last_reason,
        last_trace_id=each.last_trace_id,
        create_time=to_timestamp(each.create_time),
        next_run_time=None if each.dead_time else to_timestamp(each.due_time),
        end_time=to_timestamp(each.discard_time),
    )


def _state(each: Waiting) -> Job.State.ValueType:
    if each.discard_time is not None:
        return Job.STATE_DISCARDED
    if each.dead_time is not None:
        return Job.STATE_DEAD
    return Job.STATE_RUNNING if each.attempts and not each.last_reason else Job.STATE_WAITING


def _unknown() -> NotFoundError:
    return NotFoundError("there is no such job")
