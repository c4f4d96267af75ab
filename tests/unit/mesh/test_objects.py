"""Objects as files, and the choice of the store."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest

from mesh.config import ConfigError, load
from mesh.errors import UnavailableError
from mesh.object_store import ObjectStoreConfig
from mesh.objects import FileObjects, Objects
from tests.suites.objects import SUITE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path


@pytest.mark.parametrize("check", SUITE, ids=lambda each: each.__name__)
async def test_objects_as_files(check: Callable[[Objects], Awaitable[None]], tmp_path: Path) -> None:
    await check(FileObjects(tmp_path / "objects"))


def test_the_store_of_files_is_chosen_by_its_location(tmp_path: Path) -> None:
    config = load(ObjectStoreConfig, {"ORA_OBJECT_STORE": f"file:{tmp_path}/kept"})
    assert isinstance(config.open(), FileObjects)
    assert (tmp_path / "kept").is_dir()


def test_the_store_that_speaks_s3_is_chosen_by_its_location(monkeypatch: pytest.MonkeyPatch) -> None:
    from mesh.objects_s3 import S3Objects  # noqa: PLC0415 - half a second of one test

    monkeypatch.setenv("AWS_DEFAULT_REGION", "ap-southeast-2")
    opened = load(ObjectStoreConfig, {"ORA_OBJECT_STORE": "s3://ora-plans/portal/"}).open()
    assert isinstance(opened, S3Objects)
    assert (opened._bucket, opened._prefix) == ("ora-plans", "portal/")


@pytest.mark.parametrize(
    "location", ["", "plans", "/plans", "file:", "file://host/x", "s3:bucket", "http://a/b", "s3://b?x"]
)
def test_any_other_location_is_refused_at_start(location: str) -> None:
    with pytest.raises(ConfigError, match="ORA_OBJECT_STORE"):
        load(ObjectStoreConfig, {"ORA_OBJECT_STORE": location})


async def test_a_disk_without_room_is_a_store_that_cannot_be_asked_and_leaves_nothing(tmp_path: Path) -> None:
    async def content() -> AsyncIterator[bytes]:
        yield b"so much"
        raise OSError(errno.ENOSPC, "no room")

    with pytest.raises(UnavailableError) as caught:
        await FileObjects(tmp_path).put(content())
    assert caught.value.reason == "OBJECT_STORE_UNAVAILABLE"
    assert [each async for each in FileObjects(tmp_path).list()] == []
    assert not [each for folder in os.scandir(tmp_path) for each in os.scandir(folder)]
