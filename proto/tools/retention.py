"""Make the table of docs/privacy.md that says how long what is kept, from the constants that the code itself obeys.

``--check`` writes nothing and fails when the table is stale.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import Final

from backup_svc.config import Config as BackupConfig
from backup_svc.domain import lineage
from ingest_svc.domain import retention, support_grant
from ingest_svc.domain.cohort import MIN_HUBS
from ingest_svc.domain.filter import allow

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "privacy.md"
_MARKS: Final = ("<!-- retention: begin -->", "<!-- retention: end -->")
_DAYS_A_MONTH: Final = 30.44


def table() -> str:
    """Return the table."""
    months = round(lineage.LIFE.days / _DAYS_A_MONTH)
    minutes = allow.BUCKET_SECONDS // 60
    generations = BackupConfig.__dataclass_fields__["retained"].default
    rows = [
        ("what", "how long", "how it ends"),
        ("---", "---", "---"),
        (
            f"your Hub's three numbers, one set for each {minutes} minutes",
            f"{retention.RAW_DAYS} days",
            "the day's table is dropped as a whole",
        ),
        (
            "the key that tells which numbers are your Hub's",
            "until the month is over",
            "the month's table of keys is dropped as a whole; the numbers that are left are nobody's",
        ),
        (
            f"counts of crowds of {MIN_HUBS} Hubs and more, by the hour",
            f"{retention.ROLLUP_MONTHS} months",
            "deleted",
        ),
        (
            "how many reports of a firmware were dropped, by rule",
            f"{retention.ROLLUP_MONTHS} months",
            "deleted",
        ),
        (
            "a report that is late",
            f"taken for {allow.OLDEST_SECONDS // 86_400} days after it was measured",
            "then it is dropped",
        ),
        (
            "a permission for support to look",
            f"{support_grant.LONGEST.days} days at most",
            "it ends by itself; we keep none",
        ),
        ("a sealed backup", f"the last {generations} versions", "the next one pushes the oldest out"),
        (
            "a backup that nobody touches",
            f"{months} months after its last change",
            "deleted; your Hub knows the day",
        ),
    ]
    return "\n".join(f"| {' | '.join(each)} |" for each in rows)


def page(text: str) -> str:
    """Return the page with today's table."""
    begin, end = map(re.escape, _MARKS)
    new = f"{_MARKS[0]}\n{table()}\n{_MARKS[1]}"
    return re.sub(f"{begin}.*?{end}", lambda _: new, text, flags=re.DOTALL)


def main() -> int:
    """Write or check."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when the table is stale")
    check = parser.parse_args().check
    text = PAGE.read_text(encoding="utf-8")
    wanted = page(text)
    if check and text != wanted:
        sys.stderr.write("docs/privacy.md is stale: run proto/tools/retention.py\n")
        return 1
    if not check:
        PAGE.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
