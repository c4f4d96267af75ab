"""Which test shows which normative statement; the table in docs/mqtt-conformance.md is made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

# (standard, statement) to the tests that show it.
SHOWN: dict[tuple[str, str], list[str]] = {}
both = pytest.mark.parametrize("version", [4, 5])


def states(five: str = "", four: str = "") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Say which statements of MQTT 5.0 and of 3.1.1 a test shows, by their numbers."""

    def note(test: Callable[..., Any]) -> Callable[..., Any]:
        name = f"{test.__module__.rpartition('.')[2]}::{test.__name__}"
        for standard, numbers in (("5.0", five), ("3.1.1", four)):
            for number in numbers.split():
                SHOWN.setdefault((standard, number), []).append(name)
        return test

    return note
