"""Bodies that are too large: the caller reads why, over either HTTP, and nobody is listened to for ever."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.integration.gateway.api import ENVELOPE, JSON, SEND

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.integration.gateway.conftest import World


@pytest.mark.parametrize("size", [150_000, 300_000, 3_000_000])
@pytest.mark.parametrize("client", ["httpx", pytest.param("curl", marks=pytest.mark.debian("curl"))])
def test_who_sends_too_much_over_http2_reads_why(world: World, tmp_path: Path, client: str, size: int) -> None:
    """Many clients take a reset, even one without an error, for a failure: so there is none."""
    body = b" " * size
    if client == "curl":
        tmp_path.joinpath("body").write_bytes(body)
        headers = [f"-H{name}: {value}" for name, value in (world.bearer() | JSON).items()]
        trust = str(world.pki.folder / "edge-ca.pem")
        command = ["curl", "-sS", "--http2", "--noproxy", "*", "--cacert", trust, "--max-time", "10", *headers]
        command += ["--write-out", "\n%{http_code} %{http_version}", "--data-binary", f"@{tmp_path / 'body'}"]
        done = subprocess.run([*command, world.gateway.app + SEND], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        document, _, seen = done.stdout.rpartition("\n")
        assert seen == "413 2"
    else:
        with world.app() as app:
            answer = app.post(SEND, content=body, headers=world.bearer() | JSON)
            assert (answer.status_code, answer.http_version) == (413, "HTTP/2")
            document = answer.text
            assert app.post(SEND, json=ENVELOPE, headers=world.bearer()).status_code == 200
    assert json.loads(document)["reason"] == "BODY_TOO_LARGE"
    assert len(world.relay.seen) == (client == "httpx")


@pytest.mark.parametrize("known", [True, False])
def test_a_body_without_end_is_not_read_for_ever(world: World, *, known: bool) -> None:
    def endless() -> Iterator[bytes]:
        while True:
            yield b" " * 65536

    headers = (world.bearer() if known else {}) | JSON | {"content-length": str(1 << 40)}
    with httpx.Client(base_url=world.gateway.app, verify=world.tls(), timeout=20) as app:
        answer = app.post(SEND, content=endless(), headers=headers)
    assert answer.json()["reason"] == "BODY_TOO_LARGE"
    assert not world.relay.seen
