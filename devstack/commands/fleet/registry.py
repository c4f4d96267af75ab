"""Owns `ora fleet hubs`, `show` and `revoke`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import click
from ora.fleet.v1 import certificate_pb2, firmware_update_pb2
from ora.fleet.v1.certificate_service_pb2 import ListCertificatesRequest
from ora.fleet.v1.certificate_service_pb2_grpc import CertificateServiceStub
from ora.fleet.v1.firmware_update_service_pb2 import ListUpdatesRequest
from ora.fleet.v1.firmware_update_service_pb2_grpc import FirmwareUpdateServiceStub
from ora.fleet.v1.hub_pb2 import Hub
from ora.fleet.v1.hub_service_pb2 import GetHubRequest, ListHubsRequest
from ora.fleet.v1.hub_service_pb2_grpc import HubServiceStub
from ora.fleet.v1.update_hold_service_pb2 import GetHoldRequest
from ora.fleet.v1.update_hold_service_pb2_grpc import UpdateHoldServiceStub

from devstack.commands.asking import running
from devstack.commands.dev.asking import plainly
from devstack.dev import revocation, target

if TYPE_CHECKING:
    from collections.abc import Iterable

    from devstack.state import Running

_REASONS: Final = [each.removeprefix("REVOCATION_REASON_") for each in certificate_pb2.RevocationReason.keys()[1:]]


@click.command()
@click.option("--lot", default="", help="Only Hubs of this manufacturing lot.")
def hubs(*, lot: str) -> None:
    """List the Hubs of the registry, by id."""
    with plainly():
        asyncio.run(list_hubs(running(), lot))


@click.command()
@click.argument("hub")
def show(*, hub: str) -> None:
    """Show a Hub: its life, its certificates, its hold and its updates."""
    with plainly():
        asyncio.run(show_hub(running(), hub))


@click.command()
@click.argument("hub")
@click.option("--reason", type=click.Choice(_REASONS), default="LOST", show_default=True)
def revoke(*, hub: str, reason: str) -> None:
    """Revoke every certificate that a Hub has got until now: its live session ends within a second."""
    with plainly():
        asyncio.run(revoke_hub(running(), hub, reason))


async def list_hubs(stack: Running, lot: str) -> None:
    """Print one line a Hub, page by page."""
    async with target.fleet(stack) as channel:
        token = None
        while token != "":
            page = await HubServiceStub(channel).ListHubs(ListHubsRequest(lot=lot, page_token=token or ""))
            _print(f"{each.name}  {_state(each):<14} {each.hardware_model} {each.lot}" for each in page.hubs)
            token = page.next_page_token


async def show_hub(stack: Running, hub: str) -> None:
    """Print what fleet knows of one Hub."""
    name = f"hubs/{hub}"
    async with target.fleet(stack) as channel:
        found = await HubServiceStub(channel).GetHub(GetHubRequest(name=name))
        hold = await UpdateHoldServiceStub(channel).GetHold(GetHoldRequest(hub=name))
        held = await CertificateServiceStub(channel).ListCertificates(ListCertificatesRequest(parent=name))
        known = await FirmwareUpdateServiceStub(channel).ListUpdates(ListUpdatesRequest(parent=name))
    reason = firmware_update_pb2.HoldReason.Name(hold.reason).removeprefix("HOLD_REASON_")
    click.echo(f"{found.name}  {_state(found)}  {found.hardware_model} revision {found.hardware_revision}")
    click.echo(f"hold          {'none' if not hold.reason else reason}  lock epoch {hold.lock_epoch}")
    _print(f"certificate   {each.name.rpartition('/')[2]}" for each in held.certificates)
    _print(f"update        {firmware_update_pb2.UpdateState.Name(each.state)[13:]}" for each in known.updates)


async def revoke_hub(stack: Running, hub: str, reason: str) -> None:
    """Revoke, and print how many certificates are refused now."""
    count = await revocation.revoke(stack, hub, reason)
    click.echo(f"revoked {count}, and all that were issued before now")


def _state(hub: Hub) -> str:
    return Hub.State.Name(hub.state).removeprefix("STATE_")


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(line)
