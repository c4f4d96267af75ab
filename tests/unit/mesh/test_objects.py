"""Objects as files, and the choice of the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mesh.config import ConfigError, load
from mesh.object_store import ObjectStoreConfig
from mesh.objects import FileObjects, Objects
from tests.suites.objects import SUITE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
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
