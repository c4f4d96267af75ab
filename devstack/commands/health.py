"""Owns `ora health`: whether Hubs are well, as plots of cohorts. One Hub is shown by its owner's signature alone."""

from __future__ import annotations

import asyncio
import base64
import binascii
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
import grpc
from google.protobuf.message import DecodeError
from ora.common.v1.signed_record_pb2 import SignedRecord
from ora.ingest.v1 import health_pb2, intake_pb2
from ora.ingest.v1 import health_service_pb2 as pb
from rich.console import Console

from devstack.commands.asking import running
from devstack.commands.dev.asking import plainly
from devstack.health import calls, picture, terminal
from devstack.identity.personas import PERSONAS
from devstack.identity.sign_in import sign_in
from mesh.channel import reason_of

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import TextIO

    from ora.ingest.v1.health_service_pb2_grpc import HealthServiceAsyncStub

    from devstack.health.chart import Chart

_NOTHING = "no cohort has reported from at least 20 Hubs in this time; fewer are not shown"
METRIC = click.option("--metric", type=click.Choice(list(calls.METRICS)), help="Which number. Default: all three.")
HARDWARE = click.option("--hardware", default="", help="One hardware model alone.")
FIRMWARE = click.option("--firmware", default="", help="One firmware version alone.")


def _ask(question: Callable[[HealthServiceAsyncStub], Coroutine[None, None, None]]) -> None:
    async def run() -> None:
        async with calls.service(running()) as stub:
            await question(stub)

    with plainly():
        try:
            asyncio.run(run())
        except grpc.aio.AioRpcError as error:
            raise click.ClickException(f"{reason_of(error) or error.code().name}: {error.details()}") from None


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@METRIC
@HARDWARE
@FIRMWARE
@click.option("--hours", type=click.FloatRange(0.25, 9500), default=24.0, show_default=True, help="How far back.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write the plots here: .svg or .png.")
@click.pass_context
def health(
    context: click.Context, *, metric: str | None, hardware: str, firmware: str, hours: float, out: Path | None
) -> None:
    """Plot the health of Hubs over time: percentiles of one cohort, or the medians of several."""
    if context.invoked_subcommand is not None:
        return
    question = calls.Question(hardware=hardware, firmware=firmware, hours=hours)

    async def plot(stub: HealthServiceAsyncStub) -> None:
        found = [await calls.chart(stub, each, question) for each in ([metric] if metric else calls.METRICS)]
        charts = [each for each in found if each is not None]
        if not charts:
            raise click.ClickException(_NOTHING)
        _show(charts, out)

    _ask(plot)


def _show(charts: list[Chart], out: Path | None) -> None:
    if out is not None:
        try:
            picture.write(charts, out)
        except (picture.PictureError, OSError) as error:
            raise click.ClickException(str(error)) from error
        click.echo(f"wrote {out}")
        return
    console = Console(highlight=False)
    for each in charts:
        console.print(terminal.draw(each, console.width))


@health.command()
def cohorts() -> None:
    """List the cohorts that can be looked at: at least 20 Hubs."""

    async def listed(stub: HealthServiceAsyncStub) -> None:
        token = ""
        while True:
            page = await stub.ListHealthCohorts(pb.ListHealthCohortsRequest(page_token=token))
            for each in page.health_cohorts:
                click.echo(_cohort(each))
            token = page.next_page_token
            if not token:
                return

    _ask(listed)


@health.command()
@click.option("--metric", type=click.Choice(list(calls.METRICS)), default="cpu", show_default=True)
@HARDWARE
@FIRMWARE
@click.option("--days", type=click.IntRange(1, 30), default=1, show_default=True, help="How far back, in this month.")
def outliers(*, metric: str, hardware: str, firmware: str, days: int) -> None:
    """List the Hubs that are most unlike their cohort, by this month's pseudonym."""

    async def listed(stub: HealthServiceAsyncStub) -> None:
        number, _, unit = calls.METRICS[metric]
        cohort = health_pb2.HealthCohort(hardware_model=hardware, firmware_version=firmware)
        page = await stub.ListOutliers(pb.ListOutliersRequest(cohort=cohort, metric=number, days=days))
        for each in page.outliers:
            compared = f"{each.value:>6g} {unit}, its cohort {each.cohort_median:g} {unit}"
            click.echo(f"{each.pseudonym.hex()}  {_cohort(each.cohort)}  {compared}")

    _ask(listed)


@health.command()
def drops() -> None:
    """List how many payloads the filter has dropped, by day, cohort and rule."""

    async def listed(stub: HealthServiceAsyncStub) -> None:
        page = await stub.ListDropCounts(pb.ListDropCountsRequest(page_size=1000))
        for each in page.drop_counts:
            day = datetime.fromtimestamp(each.day.seconds, UTC).date()
            rule = intake_pb2.DropReason.Name(each.drop_reason).removeprefix("DROP_REASON_")
            click.echo(f"{day}  {_cohort(each.cohort)}  {rule:<16} {each.count:>8}")

    _ask(listed)


@health.command()
@click.argument("hub")
@click.option("--grant", "file", type=click.File("r"), required=True, help="What the owner signed, as base64.")
@click.option("--persona", type=click.Choice(list(PERSONAS)), default="helper", show_default=True, help="Who looks.")
def hub(*, hub: str, file: TextIO, persona: str) -> None:
    """Show this month of one HUB (its UUID), if its owner has signed that support may look."""
    try:
        grant = SignedRecord.FromString(base64.b64decode(file.read(), validate=False))
    except (binascii.Error, DecodeError) as error:
        raise click.ClickException("the grant is no signed record in base64") from error

    async def shown(stub: HealthServiceAsyncStub) -> None:
        who = PERSONAS[persona]
        token = (await asyncio.to_thread(sign_in, running().issuer(who.provider), who)).access_token
        request = pb.ReadHubHealthRequest(hub=f"hubs/{hub}", grant=grant)
        answer = await stub.ReadHubHealth(request, metadata=(("authorization", f"Bearer {token}"),))
        click.echo(f"pseudonym {answer.pseudonym.hex() or 'none this month'}, {len(answer.records)} buckets")
        for each in answer.records:
            at = datetime.fromtimestamp(each.bucket_time.seconds, UTC)
            click.echo(
                f"{at:%Y-%m-%d %H:%M}  {_number(each, 'cpu_pct')} {_number(each, 'ram_pct')} "
                f"{_number(each, 'signal_dbm')}"
            )

    _ask(shown)


def _cohort(cohort: health_pb2.HealthCohort) -> str:
    return f"{cohort.hardware_model or 'unknown':<16} {cohort.firmware_version or 'unknown':<12}"


def _number(record: health_pb2.HealthRecord, field: str) -> str:
    value = getattr(record, field) if record.HasField(field) else "-"  # type: ignore[arg-type]
    return f"{field} {value:>4}"
