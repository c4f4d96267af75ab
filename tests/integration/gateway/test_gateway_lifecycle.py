"""A method that goes away says so with every answer, and goes on working until then."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import httpx

from gateway import contract
from gateway.lifecycle import Lifecycle
from gateway.values import Limits
from tests.integration.gateway import running
from tests.integration.gateway.api import ENVELOPE, RECEIVE, SEND
from tests.integration.gateway.conftest import issuers, values

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.integration.gateway.conftest import World

GOING = Lifecycle(deprecated_on=date(2026, 11, 21), sunset_on=date(2027, 6, 1), successor="")


def test_a_method_that_goes_away_says_so(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = contract.load()
    methods = tuple(replace(m, lifecycle=GOING) if m.name == "Send" else m for m in whole.methods)
    monkeypatch.setattr("gateway.render.load", lambda: replace(whole, methods=methods))
    relay = [address.port for address in world.gateway.values.targets["relay"]]
    configured = values(world.pki.folder, issuers(world.voltex, world.home), {"relay": relay}, Limits())
    with running.gateway(tmp_path, configured) as gateway:
        running.await_services(gateway)
        with httpx.Client(base_url=gateway.app, verify=world.tls(), timeout=20) as app:
            going = app.post(SEND, json=ENVELOPE, headers=world.bearer())
            staying = app.get(RECEIVE, headers=world.bearer())
    assert (going.status_code, staying.status_code) == (200, 200)
    assert going.headers["deprecation"] == "@1795219200"
    assert going.headers["sunset"] == "Tue, 01 Jun 2027 00:00:00 GMT"
    assert not {"deprecation", "sunset"} & set(staying.headers)
