"""Every duty of a server is shown by a test, and the page says by which."""

from __future__ import annotations

import pytest

from tests.unit.relay.conformance.clauses import SHOWN
from tests.unit.relay.conformance.table import PAGE, page, statements

ROWS = [(standard, number, row) for standard, rows in statements().items() for number, row in rows.items()]


@pytest.mark.parametrize("standard", ["5.0", "3.1.1"])
def test_every_duty_of_a_server_has_a_test_or_a_reason(standard: str) -> None:
    bare = [
        number
        for each, number, row in ROWS
        if each == standard and row["who"] != "client" and ((standard, number) in SHOWN) is ("untested" in row)
    ]
    assert bare == []


def test_tests_name_statements_that_exist() -> None:
    assert set(SHOWN) <= {(standard, number) for standard, number, _ in ROWS}


def test_the_page_is_what_the_tests_say() -> None:
    assert PAGE.read_text() == page(), "make it again: python -m tests.unit.relay.conformance.table"
