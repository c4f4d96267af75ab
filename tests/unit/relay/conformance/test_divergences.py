"""The page of divergences names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[4]
HERE = ROOT / "tests" / "unit" / "relay"
PAGE = (ROOT / "docs" / "mqtt-divergences.md").read_text()


def test_every_test_that_is_named_is_there() -> None:
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", PAGE)
    assert len(named) > 10
    for file, test in named:
        path = ROOT / file if file.startswith("tests/") else HERE / file
        assert f"def {test}(" in path.read_text(), (file, test)


def test_every_conversation_that_is_named_is_there() -> None:
    rows = [line for line in PAGE.splitlines() if re.match(r"\| D\d+ ", line)]
    said = {
        case["name"]
        for path in (HERE / "handlers" / "data").glob("*.yaml")
        for case in yaml.safe_load(path.read_text())
    }
    named = {each for row in rows for each in re.findall(r'"([^"]+)"', row.split("|")[-2])}
    assert len(named) > 20
    assert named <= said
