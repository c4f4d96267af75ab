"""Owns the command line of the simulated Hub: `python -m hubsim create` and `python -m hubsim run`.

What happens is printed as one JSON line an event. `ora dev enrol-hub` makes Hubs that a development stack knows.
"""

from __future__ import annotations

import asyncio
import base64
import signal
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hubsim import store
from hubsim.events import print_event
from hubsim.health import Gauges, Reports
from hubsim.hub import Hub, HubConfig
from hubsim.link import MqttVersion
from hubsim.maintenance import Maintenance, Upkeep
from hubsim.records import support_grant
from sdk.errors import MalformedError

if TYPE_CHECKING:
    from collections.abc import Coroutine


@click.group()
def main() -> None:
    """Simulate Hubs."""


@main.command()
@click.option("--dir", "root", type=click.Path(path_type=Path), required=True, help="Where the folders are made.")
@click.option("--count", type=click.IntRange(1, 10_000), default=1, show_default=True)
def create(*, root: Path, count: int) -> None:
    """Make factory-fresh Hubs: keys, and requests for certificates (`tls.csr`, to be answered as `tls.crt`)."""
    for _ in range(count):
        click.echo(store.create(root, str(uuid.uuid4())))


@main.command()
@click.option("--dir", "root", type=click.Path(path_type=Path, exists=True), required=True, help="Folder of folders.")
@click.option("--host", default="localhost", show_default=True)
@click.option("--port", type=click.IntRange(1, 65_535), required=True, help="The relay's MQTT port.")
@click.option("--ca", "ca_file", type=click.Path(path_type=Path, exists=True), required=True, help="Trusted servers.")
@click.option("--mqtt", type=click.Choice([each.value for each in MqttVersion]), default="5.0", show_default=True)
@click.option("--count", type=click.IntRange(1), help="Only the first so many, by id.")
@click.option("--measure-every", type=click.FloatRange(0.1), default=300.0, show_default=True, help="Seconds.")
@click.option(
    "--report-every",
    type=click.FloatRange(0.1),
    default=3600.0,
    show_default=True,
    help="Seconds; while TELEMETRY is on.",
)
@click.option("--hub-listener", help="The gateway's Hub listener, for certificates and updates: https://host:port.")
@click.option("--firmware-root", type=click.Path(path_type=Path, exists=True), help="The TUF root of the factory.")
def run(  # noqa: PLR0913 - one option each
    *,
    root: Path,
    host: str,
    port: int,
    ca_file: Path,
    mqtt: str,
    count: int | None,
    measure_every: float,
    report_every: float,
    hub_listener: str | None,
    firmware_root: Path | None,
) -> None:
    """Run all Hubs of a folder in one process until SIGINT or SIGTERM."""
    chosen = store.folders(root)[:count]
    if not chosen:
        raise click.ClickException(f"there is no Hub in {root}")
    try:
        hubs = [
            Hub(
                HubConfig(folder=each, mqtt_host=host, mqtt_port=port, ca_file=ca_file, version=MqttVersion(mqtt)),
                on_event=print_event,
            )
            for each in chosen
        ]
    except FileNotFoundError as error:
        raise click.ClickException(f"{error.filename} is missing: the Hub has no certificate yet") from error
    except MalformedError as error:
        raise click.ClickException(str(error)) from error
    reports = [Reports(hub, folder, Gauges()) for hub, folder in zip(hubs, chosen, strict=True)]
    upkeep = [
        Upkeep(folder=each, hub_listener=hub_listener, ca_file=ca_file, firmware_root=firmware_root)
        for each in chosen
        if hub_listener
    ]
    care = [Maintenance(hub, each) for hub, each in zip(hubs, upkeep, strict=False)]
    asyncio.run(_run(hubs, [each.run(measure_every, report_every) for each in reports], care))


@main.command("grant-support")
@click.option("--dir", "folder", type=click.Path(path_type=Path, exists=True), required=True, help="One Hub's folder.")
@click.option("--days", type=click.FloatRange(0.01, 14), default=7.0, show_default=True)
def grant_support(*, folder: Path, days: float) -> None:
    """Sign, with the owner's key, that Ora's support may look at this Hub's numbers; print the record as base64."""
    click.echo(base64.b64encode(support_grant(folder, time.time() + days * 86_400)).decode())


async def _run(hubs: list[Hub], reporting: list[Coroutine[None, None, None]], care: list[Maintenance]) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, stop.set)
    running = [asyncio.create_task(hub.run()) for hub in hubs]
    running += [asyncio.create_task(each) for each in reporting]
    running += [asyncio.create_task(each.run()) for each in care]
    stopped = asyncio.create_task(stop.wait())
    done, _ = await asyncio.wait({*running, stopped}, return_when=asyncio.FIRST_COMPLETED)
    for task in (*running, stopped):
        task.cancel()
    await asyncio.gather(*running, stopped, return_exceptions=True)
    for task in done - {stopped}:
        task.result()  # a Hub ends only by a fault, and a fault is not hidden


if __name__ == "__main__":
    main()
