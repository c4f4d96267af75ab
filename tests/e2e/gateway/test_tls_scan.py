"""Every public TLS port, looked at by testssl.sh: TLS 1.3 and nothing else, strong suites alone, nothing to warn of."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.home import Home
    from tests.stack import Stack

DOORS = {"app": ("gateway", "app"), "hub": ("gateway", "hub"), "mqtt": ("relay-1", "mqtt")}
SUITES = {"TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256"}
OLD = ("SSLv2", "SSLv3", "TLS1", "TLS1_1", "TLS1_2")
FINE = {"OK", "INFO", "DEBUG"}
# The scanner on its own work, not on the server: it has no certificate for the Hubs' doors, and its OpenSSL no engine.
OWN = {"scanTime", "engine_problem", "optimal_proto"}
# Both doors of the gateway have one TLS; the slow part is asked of one.
ASKED = {
    "app": ["--protocols", "--each-cipher", "--vulnerable"],
    "hub": ["--protocols", "--each-cipher"],
    "mqtt": ["--protocols", "--each-cipher", "--vulnerable"],
}


def port(stack: Stack, door: str) -> int:
    address = stack.address(*DOORS[door])
    found = urlsplit(address if "//" in address else f"//{address}").port
    assert found is not None
    return found


@pytest.mark.debian("testssl.sh")
@pytest.mark.parametrize("door", DOORS)
def test_a_scanner_finds_tls_1_3_and_nothing_to_warn_of(stack: Stack, tmp_path: Path, door: str) -> None:
    report = tmp_path / "report.json"
    command = ["testssl", "--quiet", "--color", "0", "--warnings", "off", *ASKED[door], "--jsonfile", str(report)]
    done = subprocess.run(
        [*command, f"localhost:{port(stack, door)}"], capture_output=True, text=True, check=False, timeout=110
    )
    found = [each for each in json.loads(report.read_text()) if each["id"] not in OWN]
    said = {each["id"]: each["finding"] for each in found}
    assert len(found) >= 8, done.stdout
    assert all(said[each].startswith("not offered") for each in OLD), said
    assert said["TLS1_3"].startswith("offered")
    suites = {each["finding"].split()[-1] for each in found if each["id"].startswith("cipher_")}
    assert suites
    assert suites <= SUITES
    assert [each for each in found if each["severity"] not in FINE] == []


@pytest.mark.parametrize("door", DOORS)
async def test_no_data_is_taken_before_the_handshake_is_done(home: Home, door: str) -> None:
    """A ticket that allows early data says how much; there is no such ticket."""
    trust = home.stack.file("edge_ca")
    pair = ["-cert", str(home.folder / "tls.crt"), "-key", str(home.folder / "tls.key")]
    command = ["openssl", "s_client", "-connect", f"localhost:{port(home.stack, door)}", "-CAfile", trust, *pair]
    done = subprocess.run(  # noqa: ASYNC221 - nothing else runs in this test
        [*command, "-tls1_3", "-quiet", "-no_ign_eof", "-msg"],
        input=b"Q\n",
        capture_output=True,
        check=False,
        timeout=20,
    )
    assert b"Finished" in done.stdout + done.stderr, done.stderr
    assert b"NewSessionTicket" not in done.stdout
