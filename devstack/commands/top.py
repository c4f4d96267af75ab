"""Owns `ora top`: the relays of a stack at work, second by second. Draws; asks by ``devstack.relays``."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import click
from google.protobuf.json_format import MessageToDict
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table

from devstack.commands.asking import running
from devstack.commands.dev.asking import plainly
from devstack.relays import calls
from devstack.relays.rates import Rates, rates

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ora.relay.v1 import relay_operations_service_pb2 as pb

    from devstack.state import Running

_MIB: Final = 1024 * 1024
_REASONS: Final = 12


@click.command()
@click.option("--period", type=click.FloatRange(0.2, 60.0), default=1.0, show_default=True, help="Seconds.")
@click.option("--once", is_flag=True, help="Draw once, after one period, and end.")
@click.option("--json", "as_json", is_flag=True, help="One reading of all counters, for programs.")
def top(*, period: float, once: bool, as_json: bool) -> None:
    """Show nodes, sessions, rates and refusals until Ctrl-C."""
    with plainly(), suppress(KeyboardInterrupt):
        stack = running()
        if as_json:
            read = asyncio.run(calls.statuses(stack))
            click.echo(json.dumps([MessageToDict(each) for each in read], indent=1))
        else:
            asyncio.run(_watch(stack, period, once=once))


async def _watch(stack: Running, period: float, *, once: bool) -> None:
    before = {each.node: each for each in await calls.statuses(stack)}
    console = Console()
    with Live(console=console, refresh_per_second=4, screen=not once and console.is_terminal) as live:
        while True:
            await asyncio.sleep(period)
            now = await calls.statuses(stack)
            live.update(picture(now, before), refresh=True)
            before = {each.node: each for each in now}
            if once:
                return


def picture(now: Sequence[pb.NodeStatus], before: Mapping[str, pb.NodeStatus]) -> Group:
    """Draw one reading beside the one before it."""
    nodes = Table(title="Relays", title_justify="left", expand=True)
    nodes.add_column("node", no_wrap=True)
    for heading in ("Hubs", "streams", "TLS under way", "down/s", "up/s", "CPU %", "MiB"):
        nodes.add_column(heading, justify="right")
    nodes.add_column("state")
    refused = Table(title="Refusals, drops and closes", title_justify="left", expand=True)
    for heading in ("node", "kind", "reason", "all", "/s"):
        refused.add_column(heading, justify="right" if heading in {"all", "/s"} else "left")
    for each in now:
        speed = rates(before.get(each.node), each)
        nodes.add_row(*_node(each, speed))
        for name, count in sorted(each.refusals.items(), key=lambda item: -item[1])[:_REASONS]:
            kind, _, reason = name.partition(":")
            refused.add_row(each.node, kind, reason, str(count), f"{speed.refusals.get(name, 0.0):.1f}")
    return Group(nodes, refused)


def _node(each: pb.NodeStatus, speed: Rates) -> tuple[str, ...]:
    state = [
        *(["draining"] if each.draining else []),
        *([] if each.admission_available else ["admission away"]),
        *([] if each.directory_available else ["directory away"]),
    ]
    counts = (str(each.sessions), str(each.receivers), str(each.handshakes))
    speeds = (f"{speed.down:.1f}", f"{speed.up:.1f}", f"{speed.cpu_percent:.1f}")
    return (each.node, *counts, *speeds, f"{each.resident_bytes / _MIB:.0f}", ", ".join(state) or "serving")
