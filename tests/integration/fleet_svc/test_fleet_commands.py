"""`ora fleet …` against a node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from devstack.commands.fleet import registry
from devstack.home import Home
from tests.integration.fleet_svc.hub_actor import HubActor
from tests.integration.fleet_svc.test_update_holds import place

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.integration.fleet_svc.node import Node


class Stack:
    """As much of a running stack as these commands ask for."""

    def __init__(self, node: Node, folder: Path) -> None:
        home = Home(folder)
        home.make()
        self.data = {"home": str(folder)}
        self._port, self._certificates = node.port, node.certificates

    def address(self, component: str, use: str) -> str:
        assert (component, use) == ("fleet", "grpc")
        return f"127.0.0.1:{self._port}"

    def file(self, name: str) -> Path:
        assert name == "certificates"
        return self._certificates


async def test_an_operator_sees_a_hub_and_revokes_it(
    node: Node, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    actor, stack = HubActor(), Stack(node, tmp_path / "state")
    await node.enrol(actor)
    await place(node, actor.name, 3)
    fake: Any = stack
    capsys.readouterr()
    await registry.list_hubs(fake, "")
    await registry.show_hub(fake, str(actor.id))
    await registry.revoke_hub(fake, str(actor.id), "LOST")
    told = [line for line in capsys.readouterr().out.splitlines() if not line.startswith("{")]
    assert told[0].split() == [actor.name, "ACTIVE", "ora-hub-1"]
    assert told[2].split() == ["hold", "PENDING_HANDOVER", "lock", "epoch", "3"]
    assert told[3].startswith("revoked 0,")
