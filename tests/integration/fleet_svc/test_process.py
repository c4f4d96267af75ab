"""The process: it starts from its environment, serves, and goes when it is told to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from tests.integration.fleet_svc import node as nodes
from tests.integration.fleet_svc.postgres import free_port

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.fleet_svc.postgres import Database


def environment(certificates: Path, database: Database, port: int) -> dict[str, str]:
    return {**os.environ, **nodes.environment(certificates, database.service_url, port)}


async def test_sigterm_drains_and_exits_0(certificates: Path, database: Database) -> None:
    port = free_port()
    command = [sys.executable, "-m", "fleet_svc"]
    with subprocess.Popen(  # noqa: ASYNC220 - waited for below, by a bounded poll
        command, env=environment(certificates, database, port), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        await nodes.listening(port)
        started = time.monotonic()
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=15)
        assert process.returncode == 0, output.decode()
        assert time.monotonic() - started < 5


def test_a_missing_setting_is_named_and_nothing_starts() -> None:
    command = [sys.executable, "-m", "fleet_svc"]
    bare = {key: value for key, value in os.environ.items() if not key.startswith("ORA_")}
    ended = subprocess.run(command, env=bare, capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 2
    for name in ("ORA_GRPC_LISTEN", "ORA_CERT_DIR", "ORA_DATABASE_URL", "ORA_REDIS_URL"):
        assert name in ended.stderr
