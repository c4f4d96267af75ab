"""Owns `ora firmware rollout`, `approve`, `watch`, `pause`, `resume`, `abort` and `report`."""

from __future__ import annotations

import asyncio
import json
import uuid
from typing import TYPE_CHECKING, Any, Final

import click
from ora.fleet.v1 import firmware_rollout_service_pb2 as rpc
from ora.fleet.v1.firmware_rollout_pb2 import FirmwareRollout, Wave
from ora.fleet.v1.firmware_rollout_service_pb2_grpc import FirmwareRolloutServiceStub
from rich.console import Console
from rich.live import Live

from devstack.commands.answering import answering
from devstack.commands.asking import running
from devstack.dev import target
from devstack.firmware import staff, view

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ora.fleet.v1.firmware_rollout_pb2 import RolloutProgress

    from devstack.state import Running

APPROVE: Final = "ora_firmware_rollout_approve"
_OVER: Final = frozenset({FirmwareRollout.STATE_COMPLETED, FirmwareRollout.STATE_ABORTED})
_WAVES: Final = ("1:3600", "10:3600", "50:86400", "100:86400")
_name = click.argument("rollout")


def _wave(context: click.Context, parameter: click.Parameter, texts: tuple[str, ...]) -> list[tuple[int, int]]:
    del context, parameter
    try:
        return [(round(float(share) * 10), int(soak)) for share, soak in (each.split(":") for each in texts)]
    except ValueError as error:
        raise click.BadParameter("PERCENT:SOAK_SECONDS, for example 10:3600") from error


@click.command()
@click.argument("release")
@click.option("--wave", "waves", multiple=True, default=_WAVES, show_default=True, callback=_wave, help="PERCENT:SOAK.")
@click.option("--failures", type=click.IntRange(0, 1000), default=20, show_default=True, help="Abort above, permille.")
@click.option("--silence", type=click.IntRange(0, 1000), default=20, show_default=True, help="Abort above, permille.")
@click.option("--deadline", type=click.IntRange(600, 604_800), default=7200, show_default=True, help="Of silence, s.")
@click.option("--sample", type=click.IntRange(1), default=10, show_default=True, help="Ask no threshold before.")
@click.option("--as", "person", type=click.Choice(staff.STAFF), default=staff.FIRST, show_default=True)
def rollout(
    *, release: str, waves: list[tuple[int, int]], failures: int, silence: int, deadline: int, sample: int, person: str
) -> None:
    """Plan a rollout of a release in waves. Nothing happens before somebody else approves it."""
    planned = [
        Wave(
            share_permille=share,
            soak_seconds=soak,
            failure_permille_max=failures,
            silence_permille_max=silence,
            silence_deadline_seconds=deadline,
            sample_min=sample,
        )
        for share, soak in waves
    ]
    with answering():
        click.echo(asyncio.run(plan_rollout(running(), release, planned, person=person)).name)


@click.command()
@_name
@click.option("--as", "person", type=click.Choice(staff.STAFF), default=staff.SECOND, show_default=True)
def approve(*, rollout: str, person: str) -> None:
    """Start a rollout that somebody else planned; asks for the second factor."""
    with answering():
        click.echo(view.state_of(asyncio.run(approve_rollout(running(), rollout, person=person))))


@click.command()
@_name
@click.option("--once", is_flag=True, help="Show what is, and end.")
def watch(*, rollout: str, once: bool) -> None:
    """Show a rollout as it goes: a bar a wave, by the states of its updates. Ends with it, or with Ctrl-C."""
    with answering():
        asyncio.run(show_rollout(running(), rollout, once=once))


@click.command()
@_name
def pause(*, rollout: str) -> None:
    """Offer nothing more until it is resumed; what is being installed goes on."""
    with answering():
        click.echo(view.state_of(asyncio.run(_do(running(), "PauseRollout", rpc.PauseRolloutRequest(name=rollout)))))


@click.command()
@_name
@click.option("--as", "person", type=click.Choice(staff.STAFF), default=staff.SECOND, show_default=True)
def resume(*, rollout: str, person: str) -> None:
    """Go on with a rollout that was paused; asks for the second factor."""
    with answering():
        click.echo(view.state_of(asyncio.run(resume_rollout(running(), rollout, person=person))))


@click.command()
@_name
@click.option("--comment", default="", help="Why.")
def abort(*, rollout: str, comment: str) -> None:
    """End a rollout; what is being installed goes on, what waits is not offered any more."""
    with answering():
        click.echo(view.state_of(asyncio.run(abort_rollout(running(), rollout, comment=comment))))


@click.command()
@_name
def report(*, rollout: str) -> None:
    """Print what came of a rollout, as JSON."""
    with answering():
        click.echo(json.dumps(view.report(asyncio.run(progress_of(running(), rollout))), indent=1))


async def plan_rollout(stack: Running, release: str, waves: list[Wave], *, person: str) -> FirmwareRollout:
    """Plan as one person."""
    plan = FirmwareRollout(firmware_release=release, waves=waves)
    request = rpc.CreateRolloutRequest(firmware_rollout=plan, request_id=str(uuid.uuid4()))
    return await _do(stack, "CreateRollout", request, metadata=staff.login(stack, person))


async def approve_rollout(stack: Running, rollout: str, *, person: str) -> FirmwareRollout:
    """Approve as another person."""
    seen = await _do(stack, "GetRollout", rpc.GetRolloutRequest(name=rollout))
    request = rpc.ApproveRolloutRequest(name=rollout, etag=seen.etag)
    return await _do(stack, "ApproveRollout", request, metadata=staff.login(stack, person, APPROVE))


async def resume_rollout(stack: Running, rollout: str, *, person: str) -> FirmwareRollout:
    """Go on as somebody who looked."""
    seen = await _do(stack, "GetRollout", rpc.GetRolloutRequest(name=rollout))
    request = rpc.ResumeRolloutRequest(name=rollout, etag=seen.etag)
    return await _do(stack, "ResumeRollout", request, metadata=staff.login(stack, person, APPROVE))


async def abort_rollout(stack: Running, rollout: str, *, comment: str = "") -> FirmwareRollout:
    """End a rollout."""
    return await _do(stack, "AbortRollout", rpc.AbortRolloutRequest(name=rollout, comment=comment))


async def progress_of(stack: Running, rollout: str) -> RolloutProgress:
    """Return the counts of now."""
    return await anext(watching(stack, rollout))


async def show_rollout(stack: Running, rollout: str, *, once: bool) -> None:
    """Draw a rollout until it is over."""
    console = Console()
    if once:
        console.print(view.table(await progress_of(stack, rollout)))
        return
    with Live(console=console, auto_refresh=False) as live:
        async for progress in watching(stack, rollout):
            live.update(view.table(progress), refresh=True)
            if progress.firmware_rollout.state in _OVER:
                return


async def watching(stack: Running, rollout: str) -> AsyncIterator[RolloutProgress]:
    """Yield each change of a rollout's counts."""
    async with target.fleet(stack) as channel:
        call = FirmwareRolloutServiceStub(channel).WatchRollout(rpc.WatchRolloutRequest(name=rollout, period_ms=500))
        async for progress in call:
            yield progress


async def _do(stack: Running, method: str, request: Any, *, metadata: staff.Login = ()) -> FirmwareRollout:
    async with target.fleet(stack) as channel:
        call = getattr(FirmwareRolloutServiceStub(channel), method)
        done: FirmwareRollout = await call(request, metadata=metadata)
        return done
