"""Topics, budgets, deadlines, gates and the import rule."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import relay
from relay.routing.budgets import RANKS, AddressBudgets, network
from relay.routing.deadlines import Deadlines
from relay.routing.limits import Limits
from relay.routing.peers import subject_digest
from relay.routing.topics import HubTopic, Leaf, hub_text, hub_topic, parse_hub_id, parse_topic
from tests.unit.relay.world import HUB

TEXT = hub_text(HUB)


def test_a_topic_is_read_as_it_is_written() -> None:
    for leaf in Leaf:
        assert parse_topic(hub_topic(HUB, leaf)) == HubTopic(HUB, leaf)


@pytest.mark.parametrize(
    "topic",
    [
        f"ora/v1/h/{TEXT}",
        f"ora/v1/h/{TEXT}/",
        f"ora/v1/h/{TEXT}/down/",
        f"ora/v1/h/{TEXT}/downx",
        f"ora/v1/h/{TEXT}//down",
        f"/ora/v1/h/{TEXT}/down",
        f"ora/v2/h/{TEXT}/down",
        f"ora/v1/h/{TEXT.upper()}/down",
        f"ora/v1/h/{{{TEXT}}}/down",
        f"ora/v1/h/{TEXT.replace('-', '')}/down",
        f"ora/v1/h/{TEXT}\n/down",
        f"ora/v1/h/{TEXT[:-1]}\u0663/down",
        f"ora/v1/h/{TEXT[:-1]}/down",
        "ora/v1/h/+/down",
        "",
    ],
)
def test_look_alikes_are_no_topics(topic: str) -> None:
    assert parse_topic(topic.encode()) is None


@pytest.mark.parametrize("text", [TEXT + "\n", TEXT.upper(), "0" * 36, f"urn:uuid:{TEXT}", ""])
def test_look_alikes_are_no_ids(text: str) -> None:
    assert parse_hub_id(text.encode()) is None


def test_an_address_has_a_budget_and_its_neighbours_have_their_own() -> None:
    budgets = AddressBudgets(Limits(handshakes_per_address=1, handshake_burst_per_address=2))
    assert [budgets.take("192.0.2.1", 0.0) is not None for _ in range(3)] == [True, True, False]
    assert budgets.take("192.0.2.2", 0.0) is not None
    assert budgets.take("192.0.2.1", 1.1) is not None


def test_who_has_begun_many_handshakes_lately_comes_after_who_has_not() -> None:
    budgets = AddressBudgets(Limits())
    assert [budgets.take("192.0.2.1", 0.0) for _ in range(8)] == [0, 1, 1, 2, 2, 2, 2, 3]
    assert budgets.take("192.0.2.2", 0.0) == 0
    # Half as busy after eight seconds, a stranger again after some more.
    assert budgets.take("192.0.2.1", 8.0) == 2
    assert budgets.take("192.0.2.1", 80.0) == 0
    assert [budgets.take("192.0.2.3", 0.0) for _ in range(400)][-1] == RANKS - 1


def test_a_handshake_that_failed_costs_its_address_more() -> None:
    budgets = AddressBudgets(Limits(handshakes_per_address=1, handshake_burst_per_address=20, failed_handshake_cost=10))
    for _ in range(2):
        assert budgets.take("192.0.2.1", 0.0) is not None
        budgets.failed("192.0.2.1")
    # It owes no more than a second's worth, so it is not shut out for long by what it did at once.
    budgets.failed("192.0.2.1")
    assert budgets.take("192.0.2.1", 1.5) is None
    assert budgets.take("192.0.2.1", 2.1) is not None
    budgets.failed("192.0.2.9")


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2"),
        ("2001:db8:1:2::6", "2001:db8:1:2"),
        ("2001:db8::6", "2001:db8"),
    ],
)
def test_an_ipv6_network_is_one_origin(address: str, origin: str) -> None:
    assert network(address) == origin


def test_deadlines_come_once_and_can_be_taken_back() -> None:
    deadlines: Deadlines[str] = Deadlines(10.0)
    deadlines.add(12.5, "late")
    slot = deadlines.add(11.0, "gone")
    deadlines.add(9.0, "past")
    deadlines.remove(slot, "gone")
    assert deadlines.due(11.0) == ["past"]
    assert deadlines.due(12.9) == []
    assert deadlines.due(20.0) == ["late"]
    assert deadlines.due(30.0) == []


def test_the_subject_digest_is_the_contracts() -> None:
    # SHA-256 of `ora peer v1` ‖ 00 ‖ hub_id ‖ issuer ‖ 00 ‖ subject, made with another tool.
    assert subject_digest(bytes(16), "https://i", "s").hex() == (
        "f8dc381a1edeb280ab4d9153ac86d74393bbf6108e1576e5a9caa96182521a85"
    )


def test_the_relay_imports_nothing_that_could_open_an_envelope() -> None:
    root = Path(relay.__file__).parent
    forbidden = ("cryptography", "sdk", "nacl", "hpke", "joserfc", "hubsim", "devstack", "fleet_svc", "asyncpg")
    for path in root.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names.append(node.module)
            for name in names:
                assert name.split(".")[0] not in forbidden, f"{path} imports {name}"
                assert not name.startswith("ora.relay.v1.sealed_content"), f"{path} imports {name}"


def test_wire_knows_only_itself_and_routing_knows_no_socket() -> None:
    root = Path(relay.__file__).parent
    for path in (root / "wire").glob("*.py"):
        assert "relay.routing" not in path.read_text(), path
    for room in ("wire", "routing", "handlers"):
        for path in (root / room).glob("*.py"):
            for name in (
                "import asyncio",
                "import socket",
                "import ssl",
                "import select",
                "import grpc",
                "import time",
            ):
                assert name not in path.read_text(), f"{path}: {name}"
