"""What an operator sees of the whole system, by the commands that they type."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.stack import ora

if TYPE_CHECKING:
    from tests.e2e.home import Home


async def test_an_operator_follows_an_envelope(home: Home) -> None:
    async with home.hub_on_line():
        sent = await home.app.send(b"ping")
        shown = ora(home.stack.home.path, "trace", sent.message_id.hex())
    assert shown.returncode == 0, shown.stderr
    lines = shown.stdout.splitlines()
    assert [line.split()[2] for line in lines] == ["RECEIVED", "ACKNOWLEDGED"]
    assert all(f"hubs/{home.hub}" in line for line in lines)


def test_an_envelope_that_no_relay_saw_is_said_to_be_unknown(home: Home) -> None:
    shown = ora(home.stack.home.path, "trace", "0" * 32)
    assert (shown.returncode, shown.stdout) == (1, "")
    assert "no relay remembers" in shown.stderr
    assert ora(home.stack.home.path, "trace", "nonsense").returncode == 2


async def test_sessions_and_counters_are_shown(home: Home) -> None:
    async with home.hub_on_line():
        assert (await home.app.send(b"ping")).outcome == "DELIVERED"
        listed = ora(home.stack.home.path, "sessions")
        drawn = ora(home.stack.home.path, "top", "--once", "--period", "0.2")
        read = ora(home.stack.home.path, "top", "--json")
    row = next(line for line in listed.stdout.splitlines() if f"hubs/{home.hub}" in line)
    assert row.split()[4] == "1"
    assert "relay-1" in drawn.stdout
    assert json.loads(read.stdout)[0]["sessions"] >= 1
