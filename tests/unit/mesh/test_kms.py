"""The file adapter of the key port."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mesh.errors import DataLossError, UnavailableError
from mesh.kms import FileKms

if TYPE_CHECKING:
    from pathlib import Path

CONTEXT = {"purpose": "project", "tenant": "t", "project": "p"}


async def test_a_key_opens_in_its_context_alone(tmp_path: Path) -> None:
    kms = FileKms.create(tmp_path)
    made = await kms.generate_data_key(CONTEXT)
    assert await kms.unwrap(made.blob, dict(reversed(CONTEXT.items()))) == made.plaintext
    with pytest.raises(DataLossError) as refused:
        await kms.unwrap(made.blob, {**CONTEXT, "tenant": "u"})
    assert refused.value.reason == "KEY_CONTEXT"


async def test_what_is_destroyed_stays_so_also_for_another_process(tmp_path: Path) -> None:
    kms = FileKms.create(tmp_path)
    made, other = await kms.generate_data_key(CONTEXT), await kms.generate_data_key(CONTEXT)
    for _ in range(2):
        await kms.destroy(made.blob, CONTEXT)
    with pytest.raises(DataLossError) as refused:
        await FileKms.create(tmp_path).unwrap(made.blob, CONTEXT)
    assert refused.value.reason == "KEY_DESTROYED"
    assert await kms.unwrap(other.blob, CONTEXT) == other.plaintext


async def test_rewrapping_keeps_the_key_and_its_identity(tmp_path: Path) -> None:
    kms = FileKms.create(tmp_path)
    made = await kms.generate_data_key(CONTEXT)
    kms.rotate()
    again = await kms.rewrap(made.blob, CONTEXT)
    assert again != made.blob
    assert kms.key_id(again) == kms.key_id(made.blob)
    assert await kms.unwrap(again, CONTEXT) == await kms.unwrap(made.blob, CONTEXT) == made.plaintext
    await kms.destroy(again, CONTEXT)
    with pytest.raises(DataLossError):
        await kms.unwrap(made.blob, CONTEXT)


async def test_a_root_key_that_is_away_is_unavailable(tmp_path: Path) -> None:
    kms = FileKms.create(tmp_path)
    made = await kms.generate_data_key(CONTEXT)
    (tmp_path / "root-0001.key").unlink()
    with pytest.raises(UnavailableError) as refused:
        await kms.unwrap(made.blob, CONTEXT)
    assert refused.value.reason == "KMS_UNAVAILABLE"


@pytest.mark.parametrize("blob", [b"", b"\x01", bytes(79)])
async def test_what_is_no_blob_is_refused(tmp_path: Path, blob: bytes) -> None:
    with pytest.raises(DataLossError):
        await FileKms.create(tmp_path).unwrap(blob, CONTEXT)


async def test_keys_are_not_shown_and_files_are_private(tmp_path: Path) -> None:
    kms = FileKms.create(tmp_path / "kms")
    made = await kms.generate_data_key(CONTEXT)
    assert repr(made) == "DataKey()"
    assert (tmp_path / "kms" / "root-0001.key").stat().st_mode & 0o077 == 0
