"""Owns `ora dev telemetry`: what the cloud keeps of a Hub's own health, as its owner would get it."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import click

from devstack.commands.dev.asking import plainly
from devstack.commands.dev.options import DIR, HUB, household

if TYPE_CHECKING:
    from pathlib import Path

    from devstack.dev.household import Household


@click.command()
@HUB
@DIR
@click.option("--erase", is_flag=True, help="Have it erased instead.")
def telemetry(*, hub: str, root: Path | None, erase: bool) -> None:
    """Print every bucket that can still be joined to a Hub, or have them erased; asks as the Hub, for its owner."""
    with plainly():
        home = household(hub, root)
        asyncio.run(_erase(home) if erase else _print(home))


async def _print(home: Household) -> None:
    async with home.records() as records:
        path, token = f"/v1/hubs/{home.folder.name}/telemetry:export", ""
        while True:
            answer = _body(await records.http.get(path, params={"pageToken": token} if token else {}))
            for each in answer.get("records", []):
                click.echo(json.dumps(each))
            token = answer.get("nextPageToken", "")
            if not token:
                return


async def _erase(home: Household) -> None:
    async with home.records() as records:
        answer = _body(await records.http.post(f"/v1/hubs/{home.folder.name}/telemetry:erase", json={}))
        click.echo(f"erased {answer['erasedCount']} buckets, and the key that joined them to the Hub")


def _body(response: Any) -> dict[str, Any]:
    document: dict[str, Any] = response.json()
    if response.is_error:
        raise click.ClickException(f"{response.status_code} {document.get('reason', '')}")
    return document
