"""One world for each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.relay.world import World, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[World]:
    async with running(monkeypatch, tmp_path) as made:
        yield made
