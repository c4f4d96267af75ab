"""The broker for conformance suites runs where developers are, and without TLS only on this machine."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from mesh.config import ConfigError, load
from relay.broker.config import BrokerConfig

if TYPE_CHECKING:
    from pathlib import Path

GOOD = {
    "ORA_ENVIRONMENT": "dev",
    "ORA_CERT_DIR": "/nowhere",
    "ORA_CONFORMANCE_LISTEN": "127.0.0.1:1883",
}


@pytest.mark.parametrize("listen", ["127.0.0.1:1883", "[::1]:1883", "localhost:1883", "127.1.2.3:0"])
def test_without_tls_it_is_for_this_machine(listen: str) -> None:
    read = load(BrokerConfig, GOOD | {"ORA_CONFORMANCE_LISTEN": listen, "ORA_CONFORMANCE_REFUSED_FILTERS": "a, b"})
    assert read.broker.limits().refused_filters == ("a", "b")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"ORA_ENVIRONMENT": "production"}, "ORA_ENVIRONMENT=production refuses it"),
        ({"ORA_ENVIRONMENT": "staging"}, "ORA_ENVIRONMENT=staging refuses it"),
        ({"ORA_ENVIRONMENT": ""}, "ORA_ENVIRONMENT=production refuses it"),
        ({"ORA_CONFORMANCE_LISTEN": "0.0.0.0:1883"}, "loopback"),
        ({"ORA_CONFORMANCE_LISTEN": "ora.example:1883"}, "loopback"),
        ({"ORA_CONFORMANCE_LISTEN": "1883"}, "host:port"),
        ({"ORA_CONFORMANCE_LISTEN": ""}, "host:port"),
        ({"ORA_CONFORMANCE_SESSIONS": "0"}, "sessions is more than zero"),
    ],
)
def test_what_it_refuses(changes: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        load(BrokerConfig, GOOD | changes)


def test_in_production_the_program_does_not_start(tmp_path: Path) -> None:
    environ = {**os.environ, **GOOD, "ORA_CERT_DIR": str(tmp_path), "ORA_ENVIRONMENT": "production"}
    done = subprocess.run(
        [sys.executable, "-m", "relay.broker"], env=environ, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode != 0
    assert "lets any client use any topic" in done.stdout + done.stderr


def test_the_relay_of_hubs_does_not_even_load_it() -> None:
    code = "import sys, relay.__main__; sys.exit(any(each.startswith('relay.broker') for each in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=30).returncode == 0
