"""A home for each test: a Hub that the cloud knows, whose owner allows the relay, and an app that is paired with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.home import Home, new_home

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.stack import Stack


@pytest.fixture
async def fresh(stack: Stack, tmp_path: Path) -> AsyncIterator[Home]:
    """A factory-fresh Hub: certified and in the registry, and nothing more."""
    async with new_home(stack, tmp_path) as made:
        yield made


@pytest.fixture
async def home(fresh: Home) -> Home:
    """A Hub whose owner allows the relay, and an app of homer's that is paired with it."""
    await fresh.open_to_the_cloud()
    return fresh
