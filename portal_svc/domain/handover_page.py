"""Owns the page docs/handover.md, made from the transition table: ``python -m portal_svc.domain.handover_page``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Final

from portal_svc.domain import custody
from portal_svc.domain.handover import REASONS, TABLE, Event, State, Transition

PAGE: Final = Path(__file__).parents[2] / "docs" / "handover.md"
_HEAD: Final = """# A project's way to its owner

Made from the transition table in `portal_svc/domain/handover.py` by `python -m portal_svc.domain.handover_page`; a test
fails when this page is stale. The database checks the same table (`portal_svc/domain/handover_sql.py`).
"""
_LABELS: Final = {State.PENDING_HANDOVER: "PENDING_HANDOVER (locked)"}


def page() -> str:
    """Return the whole page."""
    return "\n".join([_HEAD, *_diagram(), "", *_table(), "", *_refusals(), "", *_custody(), ""])


def _diagram() -> list[str]:
    lines = ["```mermaid", "stateDiagram-v2"]
    lines += [f"    {state}: {label}" for state, label in _LABELS.items()]
    for row in TABLE:
        if row.event in {Event.SUSPEND, Event.RESUME}:
            continue
        if not row.sources:
            lines.append(f"    [*] --> {row.target}: {row.event}")
        lines += [f"    {source} --> {row.after(source)}: {row.event}" for source in row.sources]
    lines += [f"    {state} --> [*]" for state in (State.STRIPPED, State.CANCELLED)]
    return [*lines, "```", "", "`SUSPEND` and `RESUME` move a flag, not the state."]


def _table() -> list[str]:
    head = ["## Events", "", "| event | from | to | who | guards | effects | while suspended |"]
    return [*head, "|---|---|---|---|---|---|---|", *map(_row, TABLE)]


def _row(row: Transition) -> str:
    cells = (
        f"`{row.event}`",
        ", ".join(row.sources) or "-",
        row.target or "stays",
        "; ".join(row.who),
        "; ".join(row.guards) or "-",
        "; ".join(row.effects) or "-",
        "yes" if row.while_suspended else "no",
    )
    return f"| {' | '.join(cells)} |"


def _refusals() -> list[str]:
    lines = [
        "## Refusals",
        "",
        "An event that has no way from the present state is `STATE_CONFLICT`, in PENDING_HANDOVER `PROJECT_LOCKED`;",
        "one that a suspended project does not let happen is `PROJECT_SUSPENDED`. A guard that does not hold is",
        "refused with:",
        "",
        "| guard | reasons |",
        "|---|---|",
    ]
    return [*lines, *(f"| {guard} | {', '.join(f'`{each}`' for each in names)} |" for guard, names in REASONS.items())]


def _custody() -> list[str]:
    """Draw the life of a Project Key in custody, beside the project's."""
    lines = [
        "## Custody of the Project Key",
        "",
        "In REMOTE mode, from `portal_svc/domain/custody.py`. What ends a lock without an owner destroys it; a release",
        "is one compare and swap, with both logins and the audit's entry in one transaction; ten minutes later the",
        "data key is destroyed.",
        "",
        "```mermaid",
        "stateDiagram-v2",
        f"    [*] --> {custody.State.SEALED}: {custody.Event.SEAL}",
    ]
    lines += [f"    {before} --> {after}: {event}" for (before, event), after in custody.TRANSITIONS.items()]
    return [*lines, f"    {custody.State.DESTROYED} --> [*]", "```"]


def main() -> int:
    """Write the page, or with ``--check`` say whether it is stale."""
    parser = argparse.ArgumentParser(description="Write docs/handover.md from the transition table.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if the page is stale")
    if not parser.parse_args().check:
        PAGE.write_text(page(), encoding="utf-8")
        return 0
    return int(not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != page())


if __name__ == "__main__":
    sys.exit(main())
