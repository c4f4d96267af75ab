"""The process as it is started: with a real registry, Redis and clock."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from tests.integration.fleet_svc import node
from tests.integration.fleet_svc.postgres import free_port
from tests.integration.portal_svc.world import make_keys

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.portal_svc.postgres import Database

ISSUERS = '[{"issuer":"https://i.test","audience":"a","jwks_uri":"https://i.test/k","roles":["electrician"]}]'


async def test_sigterm_drains_and_exits_0(certificates: Path, database: Database, tmp_path: Path) -> None:
    port = free_port()
    settings = {
        **os.environ,
        **node.environment(certificates, database.service_url, port),
        "ORA_OIDC_ISSUERS": ISSUERS,
        "ORA_FLEET_TARGET": "127.0.0.1:1",
        "ORA_KMS_FOLDER": str(tmp_path / "kms"),
        "ORA_OBJECT_STORE": f"file:{tmp_path}/objects",
        "ORA_PORTAL_SIGNING_FOLDER": str(make_keys(tmp_path / "keys")),
    }
    command = [sys.executable, "-m", "portal_svc"]
    with subprocess.Popen(  # noqa: ASYNC220 - waited for below, by a bounded poll
        command, env=settings, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        await node.listening(port)
        started = time.monotonic()
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=15)
        assert process.returncode == 0, output.decode()
        assert time.monotonic() - started < 8


def test_a_missing_setting_is_named_and_nothing_starts() -> None:
    bare = {key: value for key, value in os.environ.items() if not key.startswith("ORA_")}
    command = [sys.executable, "-m", "portal_svc"]
    ended = subprocess.run(command, env=bare, capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 2
    for name in ("DATABASE_URL", "FLEET_TARGET", "KMS_FOLDER", "OBJECT_STORE", "PORTAL_SIGNING_FOLDER"):
        assert f"ORA_{name}" in ended.stderr
