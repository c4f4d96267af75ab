from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from devstack.home import Home, NotOurFolderError

if TYPE_CHECKING:
    from pathlib import Path


def test_a_secret_is_random_and_stays(tmp_path: Path) -> None:
    here, there = Home(tmp_path / "a"), Home(tmp_path / "b")
    here.make()
    there.make()
    assert here.secret("redis") == here.secret("redis") != there.secret("redis")
    assert here.secret("redis") != here.secret("postgres")


def test_secrets_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.make()
    home.secret("redis")
    assert (tmp_path / "secrets.json").stat().st_mode & 0o777 == 0o600
    assert home.authorities.stat().st_mode & 0o777 == 0o700


def test_a_folder_of_somebody_else_is_not_removed(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(NotOurFolderError):
        Home(tmp_path).remove()
    assert (tmp_path / "thesis.txt").exists()


def test_our_own_folder_is_removed_once(tmp_path: Path) -> None:
    home = Home(tmp_path / "state")
    home.make()
    assert home.remove()
    assert not home.remove()
