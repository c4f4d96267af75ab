"""Makes docs/mqtt-conformance.md: every normative statement of both standards, and the tests that show it.

`python -m tests.unit.relay.conformance.table` writes it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from tests.unit.relay.conformance import test_connect, test_exactly_once, test_flow, test_publish, test_subscribe
from tests.unit.relay.conformance.clauses import SHOWN

PAGE = Path(__file__).parents[4] / "docs" / "mqtt-conformance.md"
MODULES = (test_connect, test_exactly_once, test_flow, test_publish, test_subscribe)
_HEAD = """# The normative statements of MQTT, and what shows them

Made by `python -m tests.unit.relay.conformance.table` from `tests/unit/relay/conformance/`, and compared with it by a
test. It is about the relay's core under the open policy (`ora up --conformance`), which is a general broker; what the
Hub namespace does otherwise is in `mqtt-divergences.md`. Every statement that binds a server has a test or says why it
has none. A statement that binds clients has a test where a server can see that it was broken.

To run a suite: `ora up --conformance`, and the address that `ora status` prints beside `conformance`: `mqtt` is plain
TCP on this machine, for any client identifier, with or without user name and password; `mqtts` wants a certificate of
the Hub CA. Subscriptions to `nosubscribe` and `test/nosubscribe` are refused, as some suites want to see.

The tests run on the sans-IO core with bytes and a clock that is advanced. `tests/integration/relay/test_interop.py`
shows the same over sockets with clients that we did not write.
"""


def statements() -> dict[str, dict[str, dict[str, Any]]]:
    """Return what there is to show."""
    text = (Path(__file__).parent / "statements.yaml").read_text()
    loaded: dict[str, dict[str, dict[str, Any]]] = yaml.safe_load(text)
    return loaded


def page() -> str:
    """Return the page."""
    assert len({each.__name__ for each in MODULES}) == len(MODULES)
    out = [_HEAD]
    for standard, rows in statements().items():
        shown = sum((standard, number) in SHOWN for number in rows)
        duties = [number for number, row in rows.items() if row["who"] != "client"]
        met = sum((standard, number) in SHOWN for number in duties)
        out += [
            f"## MQTT {standard}",
            "",
            f"{len(rows)} statements, {shown} with tests; {len(duties)} bind a server, {met} of them with tests.",
            "",
            "| statement | binds | what it says | shown by |",
            "| --- | --- | --- | --- |",
        ]
        for number, row in rows.items():
            tests = ", ".join(f"`{each}`" for each in sorted(SHOWN.get((standard, number), [])))
            out.append(f"| MQTT-{number} | {row['who']} | {row['is']} | {tests or row.get('untested', '')} |")
        out.append("")
    return "\n".join(out)


if __name__ == "__main__":
    PAGE.write_text(page())
