"""Owns `ora firmware upload` and `ora firmware release`."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click
from ora.fleet.v1.firmware_release_pb2 import FirmwareRelease
from rich.console import Console
from rich.progress import Progress

from devstack import fleet_keys
from devstack.commands.answering import answering
from devstack.commands.asking import running
from devstack.dev import target
from devstack.firmware import images, staff
from devstack.firmware.offline import OfflineKeys, load
from devstack.firmware.releasing import PUBLISH, Plan, Releasing
from mesh.config import load as load_config
from mesh.pkcs11 import Pkcs11Config, Token

if TYPE_CHECKING:
    from devstack.firmware.images import Uploaded
    from devstack.state import Running
    from mesh.channel import Channel


@dataclass(frozen=True, slots=True, kw_only=True)
class _HsmConfig:
    """Where the offline keys are, if they are in an HSM."""

    pkcs11: Pkcs11Config


@click.command()
@click.argument("image", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def upload(*, image: Path) -> None:
    """Bring an image to fleet, from where an earlier upload stopped, and print its name."""
    with answering():
        click.echo(asyncio.run(upload_image(running(), image)).name)


@click.command()
@click.argument("image", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--version", required=True, help="What people call it, for example 1.8.2.")
@click.option("--sequence", type=click.IntRange(1), required=True, help="Above that of every release that is out.")
@click.option("--model", default="simulated", show_default=True, help="The hardware that it is for.")
@click.option("--revisions", type=(click.IntRange(0), click.IntRange(0)), default=(0, 2**32 - 1), help="From and to.")
@click.option("--security-fix", is_flag=True, help="It mends a weakness: its rollout may pre-empt another.")
@click.option("--as", "person", type=click.Choice(staff.STAFF), default=staff.FIRST, show_default=True)
@click.option("--hsm", help="The offline keys are in the HSM of ORA_PKCS11_*; their labels begin so.")
def release(
    *,
    image: Path,
    version: str,
    sequence: int,
    model: str,
    revisions: tuple[int, int],
    security_fix: bool,
    person: str,
    hsm: str | None,
) -> None:
    """Upload an image, draft a release of it, sign that with the offline keys, and print its name."""
    plan = Plan(
        version=version,
        sequence=sequence,
        hardware_model=model,
        revision_min=revisions[0],
        revision_max=revisions[1],
        security_fix=security_fix,
    )
    with answering():
        made = asyncio.run(release_image(running(), image, plan, person=person, hsm=hsm))
    click.echo(f"{made.name}  {FirmwareRelease.State.Name(made.state).removeprefix('STATE_')}")


async def upload_image(stack: Running, image: Path) -> Uploaded:
    """Upload with a bar."""
    async with target.fleet(stack) as channel:
        return await _upload(channel, image)


async def _upload(channel: Channel, image: Path) -> Uploaded:
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(image.name)
        return await images.upload(
            channel, image, lambda done, total: progress.update(task, completed=done, total=total)
        )


async def release_image(
    stack: Running, image: Path, plan: Plan, *, person: str = staff.FIRST, hsm: str | None = None
) -> FirmwareRelease:
    """Upload, draft, sign and publish."""
    folder = Path(stack.data["home"]) / "fleet-keys"
    async with AsyncExitStack() as closing:
        channel = await closing.enter_async_context(target.fleet(stack))
        releasing = Releasing(
            channel,
            _offline(folder, hsm),
            load(folder / "director.key").public_key(),
            (folder / fleet_keys.ROOT).read_bytes(),
            lambda: staff.login(stack, person, PUBLISH),
        )
        return await releasing.release(plan, await _upload(channel, image))


def _offline(folder: Path, hsm: str | None) -> OfflineKeys:
    if hsm is None:
        return OfflineKeys.in_folder(folder / "offline")
    return OfflineKeys.in_hsm(Token(load_config(_HsmConfig).pkcs11), hsm)
