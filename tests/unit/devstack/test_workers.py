"""Relays of several processes: each process has ports and a name of its own, and is asked and measured for itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from devstack import observing
from devstack.home import Home
from devstack.ports import Ports
from devstack.relays.calls import workers
from devstack.site import Site, SiteError
from devstack.table import gateway_values, relay
from relay.workers import environment

if TYPE_CHECKING:
    from pathlib import Path

    from devstack.running.component import Component


def site(tmp_path: Path, relays: int = 1, workers: int = 1) -> Site:
    home = Home(tmp_path)
    home.make()
    return Site(home=home, ports=Ports(21000), relays=relays, workers=workers)


def relays(site: Site) -> list[Component]:
    return [relay(site, f"relay-{number}") for number in range(1, site.relays + 1)]


def test_no_two_processes_share_a_port_and_each_is_where_the_stack_looks_for_it(tmp_path: Path) -> None:
    made = site(tmp_path, relays=2, workers=4)
    listens: list[str] = []
    for each in relays(made):
        own = [environment(each.env, number, "/run/x") for number in range(4)]
        assert [one["ORA_GRPC_LISTEN"] for one in own] == [one["ORA_RELAY_LINK_ADDRESS"] for one in own]
        by_name = {one["ORA_NODE_ID"]: one["ORA_GRPC_LISTEN"] for one in own}
        assert by_name == workers(each.name, each.addresses)
        measured = observing.targets({each.name: each.addresses})[each.name]
        assert measured == [one["ORA_METRICS_LISTEN"] for one in own]
        listens += [each.env["ORA_MQTT_LISTEN"], *by_name.values(), *measured]
    assert len(set(listens)) == len(listens) == 2 * (1 + 4 + 4)
    targets = gateway_values(made)["targets"]
    assert isinstance(targets, dict)
    assert set(targets["relay"]) < set(listens)
    assert len(targets["relay"]) == 8


def test_one_process_goes_by_the_name_of_its_relay(tmp_path: Path) -> None:
    (only,) = relays(site(tmp_path))
    assert workers(only.name, only.addresses) == {"relay-1": "127.0.0.1:21020"}
    assert observing.targets({only.name: only.addresses}) == {"relay-1": ["127.0.0.1:21022"]}


@pytest.mark.parametrize(("wish", "reason"), [((1, 0), "between 1 and 8"), ((3, 3), "9 processes"), ((9, 1), "9")])
def test_more_processes_than_there_are_ports_for_are_refused(
    tmp_path: Path, wish: tuple[int, int], reason: str
) -> None:
    with pytest.raises(SiteError, match=reason):
        site(tmp_path, relays=wish[0], workers=wish[1])
