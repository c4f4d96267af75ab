from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from mesh.migrate import MigrationError, apply, main, read
from tests.integration.mesh.conftest import url

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.mesh import backends


def _write(folder: Path, **files: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name, sql in files.items():
        (folder / f"{name.removeprefix('m')}.sql").write_text(sql)
    return folder


async def test_files_are_applied_once_and_in_order(owner: Any, tmp_path: Path) -> None:
    folder = _write(
        tmp_path, m0002_b="ALTER TABLE {{schema}}.a ADD COLUMN y int", m0001_a="CREATE TABLE {{schema}}.a (x int)"
    )
    assert await apply(owner, "toy", read(folder, "toy")) == ["0001_a", "0002_b"]
    assert await apply(owner, "toy", read(folder, "toy")) == []
    _write(tmp_path, m0003_c="ALTER TABLE {{schema}}.a ADD COLUMN z int")
    assert await apply(owner, "toy", read(folder, "toy")) == ["0003_c"]
    await owner.execute("SELECT x, y, z FROM toy.a")


async def test_edited_history_is_refused(owner: Any, tmp_path: Path) -> None:
    folder = _write(tmp_path, m0001_a="CREATE TABLE {{schema}}.a (x int)")
    await apply(owner, "toy", read(folder, "toy"))
    _write(tmp_path, m0001_a="CREATE TABLE {{schema}}.a (x bigint)")
    with pytest.raises(MigrationError, match="0001_a was edited"):
        await apply(owner, "toy", read(folder, "toy"))


async def test_failed_file_leaves_nothing_and_can_be_mended(owner: Any, tmp_path: Path) -> None:
    folder = _write(tmp_path, m0001_a="CREATE TABLE {{schema}}.a (x int); SELECT nothing_of_the_kind()")
    with pytest.raises(asyncpg.UndefinedFunctionError):
        await apply(owner, "toy", read(folder, "toy"))
    assert await owner.fetchval("SELECT to_regclass('toy.a')") is None
    _write(tmp_path, m0001_a="CREATE TABLE {{schema}}.a (x int)")
    assert await apply(owner, "toy", read(folder, "toy")) == ["0001_a"]


async def test_newer_database_is_left_alone_by_older_code(owner: Any, tmp_path: Path) -> None:
    folder = _write(tmp_path, m0001_a="CREATE TABLE {{schema}}.a (x int)", m0002_b="CREATE TABLE {{schema}}.b (x int)")
    await apply(owner, "toy", read(folder, "toy"))
    (folder / "0002_b.sql").unlink()
    assert await apply(owner, "toy", read(folder, "toy")) == []


async def test_runners_at_once_apply_each_file_once(
    postgres: backends.Process, empty_database: str, tmp_path: Path
) -> None:
    folder = _write(tmp_path, m0001_a="SELECT pg_sleep(0.2); CREATE TABLE {{schema}}.a (x int)")
    there = url(postgres, "toy_owner", "toy_owner", empty_database)
    connections = [await asyncpg.connect(there) for _ in range(4)]
    done = await asyncio.gather(*(apply(each, "toy", read(folder, "toy")) for each in connections))
    assert sorted(done) == [[], [], [], ["0001_a"]]
    for each in connections:
        await each.close()


async def test_waiting_for_a_lock_is_bounded(
    postgres: backends.Process, empty_database: str, owner: Any, tmp_path: Path
) -> None:
    folder = _write(tmp_path, m0001_a="CREATE TABLE {{schema}}.a (x int)")
    await apply(owner, "toy", read(folder, "toy"))
    _write(tmp_path, m0002_b="ALTER TABLE {{schema}}.a ADD COLUMN y int")
    holder = await asyncpg.connect(url(postgres, "toy_owner", "toy_owner", empty_database))
    async with holder.transaction():
        await holder.execute("LOCK TABLE toy.a IN ACCESS SHARE MODE")
        with pytest.raises(asyncpg.LockNotAvailableError):
            await apply(owner, "toy", read(folder, "toy"), lock_seconds=0.1)
    await holder.close()
    assert await apply(owner, "toy", read(folder, "toy")) == ["0002_b"]


async def test_statement_that_wants_no_transaction_has_none(owner: Any, tmp_path: Path) -> None:
    alone = "-- no transaction\nCREATE INDEX CONCURRENTLY a_x ON {{schema}}.a (x)"
    folder = _write(tmp_path, m0001_a="CREATE TABLE {{schema}}.a (x int)", m0002_b=alone)
    assert await apply(owner, "toy", read(folder, "toy")) == ["0001_a", "0002_b"]


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"m0001_a": "", "m0003_c": ""}, "without a gap"),
        ({"m1_a": ""}, "is named"),
        ({"m0001_a": "-- mesh: nothing"}, "no nothing.sql"),
    ],
    ids=["gap", "name", "include"],
)
def test_folder_that_is_not_in_order_is_refused(tmp_path: Path, files: dict[str, str], says: str) -> None:
    with pytest.raises(MigrationError, match=says):
        read(_write(tmp_path, **files), "toy")


def test_command_line_migrates_and_reports(
    postgres: backends.Process,
    empty_database: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    package = tmp_path / "toy_svc"
    _write(tmp_path)
    package.mkdir()
    (package / "__init__.py").write_text("")
    _write(package / "migrations", m0001_a="CREATE TABLE {{schema}}.a (x int)")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.delenv("ORA_MIGRATIONS_DATABASE_URL", raising=False)
    assert main(["toy_svc"]) == 1
    assert "ORA_MIGRATIONS_DATABASE_URL is missing" in capsys.readouterr().err
    monkeypatch.setenv("ORA_MIGRATIONS_DATABASE_URL", url(postgres, "toy_owner", "toy_owner", empty_database))
    assert main(["toy_svc"]) == 0
    assert main(["toy_svc"]) == 0
    assert capsys.readouterr().out == "toy_svc: 0001_a\ntoy_svc: nothing to do\n"
    assert main(["no_such_svc"]) == 1
