"""The broker for conformance suites is part of a stack that asked for it, and of no other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from devstack.home import Home
from devstack.ports import Ports
from devstack.running.component import Component
from devstack.site import Site
from devstack.table import table

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("asked", [True, False])
def test_it_runs_only_where_it_was_asked_for(tmp_path: Path, *, asked: bool) -> None:
    home = Home(tmp_path)
    home.make()
    site = Site(home=home, ports=Ports(21000), conformance=asked)
    found = [each for each in table(site) if isinstance(each, Component) and each.name == "conformance"]
    assert len(found) == asked
    for each in found:
        assert each.argv[1:] == ("-m", "relay.broker")
        assert each.addresses == {"mqtt": "127.0.0.1:21056", "mqtts": "127.0.0.1:21057"}
        assert each.env["ORA_ENVIRONMENT"] == "dev"
