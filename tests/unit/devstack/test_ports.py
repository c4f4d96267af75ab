from __future__ import annotations

import socket

import pytest

from devstack import ports

BASE = 23900


def test_no_two_uses_share_a_port() -> None:
    numbers = [ports.Ports(BASE)[use] for use in ports._OFFSETS]
    assert len(set(numbers)) == len(numbers)
    assert all(BASE <= number < BASE + 100 for number in numbers)


def test_a_free_block_is_taken_and_held() -> None:
    first, held = ports.claim(BASE)
    with held:
        second, other = ports.claim(first.base)
        other.close()
        assert second.base > first.base


def test_a_block_with_one_port_in_use_is_passed_over() -> None:
    free, held = ports.claim(BASE)
    held.close()
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", free["gateway.admin"]))
        stranger.listen()
        other, held = ports.claim(free.base)
        held.close()
    assert other.base > free.base


@pytest.mark.parametrize("text", ["80", "32700", "x", "-1", "21000.5"])
def test_a_base_that_cannot_be_one_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("ORA_PORT_BASE", text)
    with pytest.raises(ports.NoPortsError, match="ORA_PORT_BASE"):
        ports.wanted_base()


def test_without_a_wish_the_usual_base_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ORA_PORT_BASE", raising=False)
    assert ports.wanted_base() == ports.USUAL_BASE


def test_every_port_of_a_component_is_known_and_of_the_block() -> None:
    made = ports.Ports(BASE)
    assert made.of("postgres") == [made["postgres"]]
    assert {made["fleet.grpc"], made["fleet.metrics"]} == set(made.of("fleet"))
    assert made["relay-1.mqtt"] in made.of("relay-1")
    assert not set(made.of("relay-1")) & set(made.of("relay-2"))
    assert all(made[use] in made.all for use in ports._OFFSETS)
