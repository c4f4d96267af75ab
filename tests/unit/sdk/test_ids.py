"""Ids as text and bytes."""

from __future__ import annotations

import uuid

import pytest

from sdk.errors import MalformedError
from sdk.ids import hub_bytes, hub_text, uuid7


def test_a_uuid7_is_time_ordered_and_well_formed() -> None:
    first, second = uuid7(1, b"\xff" * 10), uuid7(2, bytes(10))
    assert first < second
    assert uuid.UUID(bytes=first).version == 7
    assert uuid.UUID(bytes=first).variant == uuid.RFC_4122


def test_a_hub_id_has_one_spelling() -> None:
    text = "0192f0c4-9c4e-7aa5-8d3c-1d2e3f405162"
    assert hub_text(hub_bytes(text)) == text
    for other in (text.upper(), f"{{{text}}}", text.replace("-", ""), f"urn:uuid:{text}", "", "x"):
        with pytest.raises(MalformedError):
            hub_bytes(other)


def test_a_uuid7_needs_ten_random_bytes() -> None:
    with pytest.raises(MalformedError):
        uuid7(0, bytes(9))
