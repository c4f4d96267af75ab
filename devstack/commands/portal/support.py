"""Owns the commands of `ora portal`: each asks OperatorService as the operator workload, and prints what it says."""

from __future__ import annotations

import asyncio
import uuid
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import click
from google.protobuf.json_format import MessageToDict
from ora.portal.v1 import operator_service_pb2 as pb
from ora.portal.v1.operator_service_pb2_grpc import OperatorServiceStub

from devstack.commands.asking import running
from devstack.commands.dev.asking import plainly
from devstack.dev import target

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.message import Message

_ORGANIZATION: Final = "organizations/"
_ticket = click.option("--ticket", required=True, help="The support ticket; it is in the audit.")


@click.command()
@_ticket
def organizations(*, ticket: str) -> None:
    """List the organisations, newest first."""
    _pages("ListOrganizationSummaries", "organization_summaries", _line, ticket=ticket)


@click.command()
@click.argument("parent")
@_ticket
def projects(*, parent: str, ticket: str) -> None:
    """List the projects of PARENT: organizations/{id} or hubs/{id}."""
    _pages("ListProjectSummaries", "project_summaries", _line, parent=parent, ticket=ticket)


@click.command()
@click.argument("name")
@_ticket
def show(*, name: str, ticket: str) -> None:
    """Show NAME: organizations/{id} or projects/{id}."""
    _print(_ask(f"Get{_what(name)}Summary", name=name, ticket=ticket))


@click.command()
@click.argument("name")
@_ticket
def suspend(*, name: str, ticket: str) -> None:
    """Let NAME stand still: organizations/{id} or projects/{id}. A handover that is pending goes on."""
    method = "SuspendOrganization" if name.startswith(_ORGANIZATION) else "SuspendProjectBySupport"
    _print(_ask(method, name=name, ticket=ticket))


@click.command()
@click.argument("name")
@_ticket
def resume(*, name: str, ticket: str) -> None:
    """Let NAME go on, if support let it stand still."""
    method = "ResumeOrganization" if name.startswith(_ORGANIZATION) else "ResumeProjectBySupport"
    _print(_ask(method, name=name, ticket=ticket))


@click.command()
@click.argument("name")
@click.argument("projects", type=click.IntRange(0, 100_000))
@_ticket
def quota(*, name: str, projects: int, ticket: str) -> None:
    """Let PROJECTS of organisation NAME be live at once."""
    _print(_ask("SetProjectQuota", name=name, project_quota=projects, ticket=ticket))


@click.command()
@click.argument("name")
@_ticket
def rewrap(*, name: str, ticket: str) -> None:
    """Wrap the data keys of organisation NAME anew."""
    _print(_ask("RewrapTenantKeys", name=name, ticket=ticket))


@click.command()
@click.argument("name")
@_ticket
def verify_audit(*, name: str, ticket: str) -> None:
    """Check the audit of organisation NAME; exit status 1: a link or a checkpoint does not fit."""
    found = _ask("VerifyAuditChain", name=name, ticket=ticket)
    _print(found)
    raise click.exceptions.Exit(1 if found.first_bad_sequence else 0)


def _what(name: str) -> str:
    return "Organization" if name.startswith(_ORGANIZATION) else "Project"


def _ask(method: str, **fields: Any) -> Any:
    with plainly():
        return asyncio.run(_call(method, fields))


def _pages(method: str, field: str, line: Callable[[Message], str], **fields: Any) -> None:
    token = None
    while token != "":
        page = _ask(method, page_token=token or "", **fields)
        for each in getattr(page, field):
            click.echo(line(each))
        token = page.next_page_token


async def _call(method: str, fields: dict[str, Any]) -> Any:
    kind = getattr(pb, f"{method}Request")
    if "request_id" in kind.DESCRIPTOR.fields_by_name:
        fields = {**fields, "request_id": str(uuid.uuid4())}
    async with target.portal(running()) as (channel, metadata):
        return await partial(getattr(OperatorServiceStub(channel), method), metadata=metadata)(kind(**fields))


def _line(message: Message) -> str:
    said = MessageToDict(message)
    name = said.pop("name")
    return f"{name}  " + "  ".join(f"{key}={_plain(value)}" for key, value in said.items() if key != "etag")


def _print(message: Message) -> None:
    for key, value in MessageToDict(message).items():
        click.echo(f"{key:<28} {_plain(value)}")


def _plain(value: object) -> str:
    return str(value).removeprefix("STATE_")
