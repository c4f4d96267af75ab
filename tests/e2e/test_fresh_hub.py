"""Cloud connectivity is off until the Hub's owner turns it on: before that, the cloud refuses, and notes nothing."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from devstack.ca import DevelopmentCa
from hubsim import store
from hubsim.records import RecordClient
from tests.e2e import traces
from tests.e2e.home import Home

if TYPE_CHECKING:
    from pathlib import Path

    from tests.stack import Stack


def _about(hub: str, left: dict[str, bytes]) -> dict[str, bytes]:
    """Return what tables and Redis hold that names the Hub, in either spelling."""
    spellings = (hub.encode(), uuid.UUID(hub).hex.encode(), uuid.UUID(hub).bytes)
    kept = {place: content for place, content in left.items() if place.split(":")[0] in {"database", "redis"}}
    lines = {(place, line) for place, content in kept.items() for line in content.split(b"\n")}
    return {f"{place} {line!r}": line for place, line in lines if any(spelt in line for spelt in spellings)}


async def test_a_factory_fresh_hub_is_refused_with_a_reason_that_it_can_show(fresh: Home) -> None:
    before = _about(fresh.hub, await traces.everything(fresh.stack))
    assert before, "the registry knows the Hub"
    async with fresh.hub_on_line(connected=False):
        refused = await fresh.happened("refused")
    assert "CONSENT_OFF" in str(refused)
    assert _about(fresh.hub, await traces.everything(fresh.stack)) == before


async def test_a_hub_that_the_registry_does_not_know_leaves_no_row_and_no_key(stack: Stack, tmp_path: Path) -> None:
    hub = str(uuid.uuid4())
    folder = store.create(tmp_path, hub)
    (folder / "tls.crt").write_bytes(DevelopmentCa(stack.home).sign_hub_request(hub, (folder / "tls.csr").read_bytes()))
    async with stack.hub(folder) as hub_http, stack.app() as app_http:
        unknown = Home(stack=stack, folder=folder, records=RecordClient(hub_http, folder), http=app_http)
        async with unknown.hub_on_line(connected=False):
            refused = await unknown.happened("refused")
    assert "HUB_NOT_ACTIVE" in str(refused)
    assert not _about(hub, await traces.everything(stack))
