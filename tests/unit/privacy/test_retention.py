"""The table of docs/privacy.md is what the code's constants say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from ingest_svc.domain import retention

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "privacy.md"


def test_the_retention_table_is_not_stale() -> None:
    done = subprocess.run(
        [sys.executable, "proto/tools/retention.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert f"| {retention.RAW_DAYS} days |" in PAGE.read_text()


def test_every_page_that_it_names_is_there() -> None:
    named = [part.split(")")[0] for part in PAGE.read_text().split("](")[1:]]
    assert len(named) >= 3
    assert [each for each in named if not (PAGE.parent / each).exists()] == []
