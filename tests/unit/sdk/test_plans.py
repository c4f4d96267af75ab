"""Plans as apps seal them: of one size among few, for one revision of one plan alone."""

from __future__ import annotations

from uuid import UUID

import pytest

from sdk.errors import MalformedError, SealError, TamperedError
from sdk.plans import LARGEST, SMALLEST, open_plan, open_title, seal_plan, seal_title

KEY = bytes(range(32))
PROJECT, PLAN, OTHER = (UUID(int=number) for number in (1, 2, 3))


@pytest.mark.parametrize("length", [0, 1, SMALLEST - 37, SMALLEST - 36, 100_000])
def test_a_plan_opens_as_what_it_was_sealed_as(length: int) -> None:
    content = bytes(length)
    sealed = seal_plan(KEY, PROJECT, PLAN, 7, content)
    assert len(sealed) >= SMALLEST
    assert len(sealed) & (len(sealed) - 1) == 0
    assert open_plan(KEY, PROJECT, PLAN, 7, sealed) == content


def test_sizes_tell_no_more_than_a_bucket() -> None:
    assert len({len(seal_plan(KEY, PROJECT, PLAN, 1, bytes(length))) for length in (0, 1000, 4000)}) == 1


def test_it_opens_as_nothing_else() -> None:
    sealed = seal_plan(KEY, PROJECT, PLAN, 7, b"kitchen")
    for key, project, plan, revision in (
        (bytes(32), PROJECT, PLAN, 7),
        (KEY, OTHER, PLAN, 7),
        (KEY, PROJECT, OTHER, 7),
        (KEY, PROJECT, PLAN, 6),
    ):
        with pytest.raises(TamperedError):
            open_plan(key, project, plan, revision, sealed)
    with pytest.raises(SealError):
        open_plan(KEY, PROJECT, PLAN, 7, sealed[:-1])
    with pytest.raises(MalformedError):
        open_plan(KEY, PROJECT, PLAN, 7, b"%PDF" + sealed)


def test_a_title_is_short_and_no_revision() -> None:
    sealed = seal_title(KEY, PROJECT, PLAN, "Küche")
    assert len(sealed) == 512
    assert open_title(KEY, PROJECT, PLAN, sealed) == "Küche"
    with pytest.raises(ValueError, match="at most"):
        seal_title(KEY, PROJECT, PLAN, "x" * 500)
    with pytest.raises(ValueError, match="at most"):
        seal_plan(KEY, PROJECT, PLAN, 1, bytes(LARGEST))
