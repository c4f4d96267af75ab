from __future__ import annotations

import shutil
import socket
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from devstack import doctor, ports
from devstack.ca import DevelopmentCa
from devstack.home import Home

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from devstack.finding import Finding


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "state")
    made.make()
    DevelopmentCa(made).renew()
    return made


def wrong(home: Home) -> list[Finding]:
    return [each for each in doctor.certificates(home) if not each.well]


def unreadable(path: Path) -> None:
    # Root reads every file, but nobody reads a folder.
    path.unlink()
    path.mkdir()


def aged(home: Home, days: int) -> None:
    shutil.rmtree(home.certificates)
    home.certificates.mkdir()
    DevelopmentCa(home, lambda: datetime.now(UTC) - timedelta(days=days)).renew()


FAULTS: dict[str, tuple[Callable[[Home], object], str, str]] = {
    "certificate gone": (lambda h: (h.certificates / "relay/tls.crt").unlink(), "relay: tls.crt is missing", "ora up"),
    "key gone": (lambda h: (h.certificates / "relay/tls.key").unlink(), "relay: tls.key is missing", "ora up"),
    "folder gone": (lambda h: (h.certificates / "edge").unlink(), "edge: tls.crt is missing", "ora up"),
    "unreadable": (lambda h: unreadable(h.certificates / "relay/tls.crt"), "tls.crt cannot be read", "ora up"),
    "damaged": (lambda h: (h.certificates / "relay/tls.crt").write_text("x"), "tls.crt is damaged", "ora up"),
    "another key": (
        lambda h: shutil.copy(h.certificates / "fleet/tls.key", h.certificates / "relay/tls.key"),
        "relay: tls.key is not the key of the certificate beside it",
        "ora up",
    ),
    "another authority": (
        lambda h: shutil.copytree(h.certificates / "edge", h.certificates / "relay", dirs_exist_ok=True),
        "relay: tls.crt is not signed by the authority",
        "ora up",
    ),
    "ended": (lambda h: aged(h, 31), "tls.crt has ended, on ", "ora up"),
    "ends soon": (lambda h: aged(h, 29), "tls.crt ends soon, on ", "ora up"),
    "bundle gone": (lambda h: (h.certificates / "mesh-ca.pem").unlink(), "mesh-ca.pem is missing", "ora up"),
    "list gone": (lambda h: (h.certificates / "hub-crl.pem").unlink(), "hub-crl.pem is missing", "ora up"),
    "list damaged": (lambda h: (h.certificates / "hub-crl.pem").write_text(""), "hub-crl.pem is damaged", "ora up"),
    "authority's key": (
        lambda h: shutil.copy(h.authorities / "edge.key", h.authorities / "mesh.key"),
        "mesh.key is not the key",
        "ora reset",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_wrong_with_a_certificate_is_named_with_its_remedy(home: Home, fault: str) -> None:
    damage, says, remedy = FAULTS[fault]
    assert wrong(home) == []
    damage(home)
    found = wrong(home)
    assert says in found[0].what
    assert remedy in found[0].remedy


def test_where_nothing_was_ever_started_no_certificate_is_missed(tmp_path: Path) -> None:
    assert list(doctor.certificates(Home(tmp_path))) == []


def test_how_the_last_run_ended_is_told_with_its_last_lines(home: Home) -> None:
    home.last_end.write_text("homes died, by SIGKILL. Its last lines (/x/homes.log):\n    serves nothing\n")
    (found,) = [each for each in doctor.stack(home) if not each.well]
    assert "homes died, by SIGKILL" in found.what
    assert "serves nothing" in found.what
    assert "`ora logs homes`" in found.remedy


def test_the_port_that_is_taken_is_named(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        monkeypatch.setattr(ports, "claim", lambda base: (ports.Ports(base + 100), socket.socket()))
        monkeypatch.setattr(ports, "wanted_base", lambda: taken - 4)
        told = " ".join(each.what for each in doctor.stack(home))
    assert f"`ora up` would take the ports from {taken + 96}, as port {taken} of those from {taken - 4}" in told


@pytest.mark.parametrize("base", ["80", "40000", "x"])
def test_a_base_that_cannot_be_is_named_with_one_that_can(
    home: Home, monkeypatch: pytest.MonkeyPatch, base: str
) -> None:
    monkeypatch.setenv("ORA_PORT_BASE", base)
    (found,) = [each for each in doctor.stack(home) if not each.well]
    assert found.what == f"ORA_PORT_BASE is {base!r}"
    assert "1024" in found.remedy
