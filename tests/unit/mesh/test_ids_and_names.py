from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh.errors import InvalidArgumentError
from mesh.ids import parse_uuid, uuid7
from mesh.resource_names import ResourceName

HUB = ResourceName("hubs/{hub}")
BACKUP = ResourceName("hubs/{hub}/backups/{backup}")
ID = "0192d1c0-5f3e-7cc1-8000-0242ac120002"


def test_uuid7_is_laid_out_as_in_rfc_9562_appendix_a_6() -> None:
    random = bytes.fromhex("0cc3") + bytes.fromhex("18c4dc0c0c07398f")
    assert str(uuid7(0x017F22E279B0, random)) == "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"


def test_uuid7_is_ordered_by_time_and_differs_within_one_moment() -> None:
    assert uuid7(1, b"\xff" * 10) < uuid7(2, b"\x00" * 10)
    assert len({uuid7(5) for _ in range(1000)}) == 1000


@given(st.uuids(version=4) | st.uuids(version=1) | st.integers(0, (1 << 48) - 1).map(uuid7))
def test_each_uuid_has_one_spelling(value: UUID) -> None:
    assert parse_uuid(str(value)) == value
    assert parse_uuid(str(value).upper()) is None or str(value) == str(value).upper()


BAD_IDS = [
    "",
    ID.upper(),
    ID.replace("-", ""),
    f"{{{ID}}}",
    f"urn:uuid:{ID}",
    f"{ID}\n",
    f" {ID}",
    ID[:-1],
    ID.replace("7cc1", "0cc1"),
    ID.replace("8000", "c000"),
    "00000000-0000-0000-0000-000000000000",
    "ffffffff-ffff-ffff-ffff-ffffffffffff",
    ID.replace("0", "٠"),  # noqa: RUF001 - meant
]


@pytest.mark.parametrize("text", BAD_IDS)
def test_other_spellings_are_no_ids(text: str) -> None:
    assert parse_uuid(text) is None


def test_names_are_read_and_written() -> None:
    hub, backup = uuid4(), uuid7()
    assert HUB.parse_one(HUB.format(hub)) == hub
    assert BACKUP.parse(BACKUP.format(hub, backup)) == (hub, backup)
    assert HUB.format(UUID(ID)) == f"hubs/{ID}"


@pytest.mark.parametrize(
    "text",
    [
        *(f"hubs/{each}" for each in BAD_IDS),
        ID,
        f"hub/{ID}",
        f"HUBS/{ID}",
        f"/hubs/{ID}",
        f"hubs/{ID}/",
        f"hubs//{ID}",
        f"hubs/{ID}/backups",
        f"hubs/{ID}?x",
        f"hubs%2F{ID}",
        f"hubs/{ID}#",
        "hubs/-",
        "hubs/{hub}",
        "x/" * 100_000,
    ],
)
def test_other_texts_are_no_names(text: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        HUB.parse(text, field="hub")
    assert caught.value.violations[0].field == "hub"
    assert len(caught.value.message) < 100


@given(st.text())
def test_what_is_read_is_written_back_byte_for_byte(text: str) -> None:
    try:
        ids = BACKUP.parse(text)
    except InvalidArgumentError:
        return
    assert BACKUP.format(*ids) == text


@pytest.mark.parametrize("pattern", ["hubs", "hubs/{a}/x/{a}", "hubs//{a}", "{a}/"])
def test_pattern_that_names_nothing_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="no pattern"):
        ResourceName(pattern)


def test_wrong_number_of_ids_is_refused() -> None:
    with pytest.raises(ValueError, match="has 1 ids"):
        HUB.format(uuid4(), uuid4())
