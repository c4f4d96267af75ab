"""Owns `ora jobs`: what the portal does later or by the clock, and help where it could not."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any, Final

import click
from google.protobuf.json_format import MessageToDict
from ora.portal.v1 import job_pb2
from ora.portal.v1 import job_service_pb2 as pb
from ora.portal.v1.job_service_pb2_grpc import JobServiceStub

from devstack.commands.asking import running
from devstack.commands.dev.asking import plainly
from devstack.dev import target

_STATES: Final = [each.removeprefix("STATE_") for each in job_pb2.Job.State.keys()[1:]]
_KINDS: Final = [each.removeprefix("JOB_KIND_") for each in job_pb2.JobKind.keys()[1:]]
_ticket = click.option("--ticket", required=True, help="The support ticket; it is in the audit.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def jobs() -> None:
    """What the portal does later or by the clock. Each call, a look too, is in the audit with its ticket."""


@jobs.command("list")
@click.option("--state", type=click.Choice(_STATES), multiple=True, help="Only these, for example DEAD.")
@click.option("--kind", type=click.Choice(_KINDS), multiple=True, help="Only these.")
@click.option("--organization", default="", help="Only those of this tenant, organizations/{id}.")
@_ticket
def list_jobs(*, state: tuple[str, ...], kind: tuple[str, ...], organization: str, ticket: str) -> None:
    """List the jobs: what recurs, then what waits or is dead, newest first."""
    token = None
    while token != "":
        page = _ask(
            "ListJobs",
            states=[job_pb2.Job.State.Value(f"STATE_{each}") for each in state],
            kinds=[job_pb2.JobKind.Value(f"JOB_KIND_{each}") for each in kind],
            organization=organization,
            page_token=token or "",
            ticket=ticket,
        )
        for each in page.jobs:
            click.echo(_line(each))
        token = page.next_page_token


@jobs.command()
@click.argument("job")
@_ticket
def show(*, job: str, ticket: str) -> None:
    """Show JOB: jobs/{id}."""
    _print(_ask("GetJob", name=job, ticket=ticket))


@jobs.command()
@click.argument("kind", type=click.Choice(_KINDS))
@_ticket
def run(*, kind: str, ticket: str) -> None:
    """Run what recurs now: RETENTION, CHECKPOINT_AUDIT or COLLECT_OBJECTS."""
    _print(_ask("RunJob", kind=job_pb2.JobKind.Value(f"JOB_KIND_{kind}"), ticket=ticket))


@jobs.command()
@click.argument("job")
@_ticket
def retry(*, job: str, ticket: str) -> None:
    """Give JOB, which is dead, its tries back."""
    _print(_ask("RetryJob", name=job, ticket=ticket))


@jobs.command()
@click.argument("job")
@_ticket
def discard(*, job: str, ticket: str) -> None:
    """Give JOB up, which is dead. What erases or strips cannot be given up."""
    _print(_ask("DiscardJob", name=job, ticket=ticket))


def _ask(method: str, **fields: Any) -> Any:
    with plainly():
        return asyncio.run(_call(method, fields))


async def _call(method: str, fields: dict[str, Any]) -> Any:
    kind = getattr(pb, f"{method}Request")
    if "request_id" in kind.DESCRIPTOR.fields_by_name:
        fields = {**fields, "request_id": str(uuid.uuid4())}
    async with target.portal(running()) as (channel, metadata):
        return await getattr(JobServiceStub(channel), method)(kind(**fields), metadata=metadata)


def _line(job: job_pb2.Job) -> str:
    state = job_pb2.Job.State.Name(job.state).removeprefix("STATE_")
    kind = job_pb2.JobKind.Name(job.kind).removeprefix("JOB_KIND_")
    tries = f"{job.attempt_count}/{job.max_attempts}" if job.max_attempts else "-"
    return f"{job.name}  {state:<9} {kind:<18} {tries:<6} {job.last_error_reason or '-':<22} {job.resource}"


def _print(job: job_pb2.Job) -> None:
    for key, value in MessageToDict(job).items():
        click.echo(f"{key:<18} {value}")
