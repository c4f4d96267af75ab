"""``fleet_svc/schema.sql`` is what the migrations end in; ``ORA_WRITE_SCHEMA=1`` writes it anew."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import fleet_svc
from tests.integration.fleet_svc.postgres import BIN

if TYPE_CHECKING:
    from tests.integration.fleet_svc.postgres import Database

FILE = Path(fleet_svc.__file__).parent / "schema.sql"
HEADER = "-- What fleet_svc/migrations end in, written by tests/integration/fleet_svc/test_schema_file.py.\n"


def test_the_committed_schema_is_the_end_state(database: Database) -> None:
    url = database.cluster.url(database.name)
    command = [str(BIN / "pg_dump"), "--schema-only", "--schema=fleet", "--no-owner", url]
    dumped = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    # psql's guard holds a random word, and the versions of server and client are nobody's business.
    kept = [line for line in dumped.splitlines() if not line.startswith(("\\", "-- Dumped", "SET ", "SELECT "))]
    text = HEADER + "\n".join(line for line in kept if line.strip() not in {"", "--"}) + "\n"
    if os.environ.get("ORA_WRITE_SCHEMA") == "1":
        FILE.write_text(text, encoding="utf-8")
    assert FILE.read_text(encoding="utf-8") == text
