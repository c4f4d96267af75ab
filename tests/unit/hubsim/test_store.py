from __future__ import annotations

import stat
import uuid
from pathlib import Path

import pytest
from click.testing import CliRunner

from hubsim import store
from hubsim.__main__ import main
from sdk.errors import MalformedError
from sdk.keys import new_app_keys

HUB = str(uuid.UUID(int=7, version=4))


def test_a_new_hub_keeps_its_secrets_from_others(tmp_path: Path) -> None:
    folder = store.create(tmp_path, HUB)
    for secret in ("hub.json", "tls.key"):
        assert stat.S_IMODE((folder / secret).stat().st_mode) == 0o600
    assert store.hub_name(store.load(folder)) == HUB
    shown = (folder / "public.json").read_text()
    assert store.load(folder).keys.identity.seed.hex() not in shown


def test_a_hub_is_not_made_twice(tmp_path: Path) -> None:
    store.create(tmp_path, HUB)
    with pytest.raises(FileExistsError):
        store.create(tmp_path, HUB)


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    folder = store.create(tmp_path, HUB)
    app = new_app_keys().public()
    paired = store.pair(store.load(folder), app, issuer="https://id.test", subject="homer", not_after_seconds=9)
    store.save(folder, paired)
    assert store.load(folder) == paired
    assert store.load(folder).app(app.peer_id) == app


def test_a_session_is_listed_once_however_often_it_is_paired(tmp_path: Path) -> None:
    state = store.load(store.create(tmp_path, HUB))
    app = new_app_keys().public()
    for _ in range(3):
        state = store.pair(state, app, issuer="https://id.test", subject="homer")
    assert len(state.apps) == 1
    assert store.unpair(state, app.peer_id).apps == ()


def test_a_factory_reset_forgets_everybody_and_raises_the_epoch(tmp_path: Path) -> None:
    state = store.load(store.create(tmp_path, HUB))
    before = store.pair(state, new_app_keys().public(), issuer="https://id.test", subject="homer")
    after = store.factory_reset(before)
    assert after.keys.owner_epoch == before.keys.owner_epoch + 1
    assert after.keys.owner != before.keys.owner
    assert after.keys.identity == before.keys.identity
    assert (after.apps, after.capabilities, after.consent_sequence) == ((), (), 0)


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"keys": 1}'])
def test_a_damaged_file_is_said_to_be_one(tmp_path: Path, content: str) -> None:
    folder = store.create(tmp_path, HUB)
    (folder / "hub.json").write_text(content)
    with pytest.raises(MalformedError):
        store.load(folder)


def test_create_makes_as_many_as_are_asked_for(tmp_path: Path) -> None:
    made = CliRunner().invoke(main, ["create", "--dir", str(tmp_path), "--count", "3"])
    assert made.exit_code == 0, made.output
    assert sorted(Path(line) for line in made.output.split()) == store.folders(tmp_path)


def test_run_says_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").touch()
    arguments = ["run", "--dir", str(tmp_path), "--port", "1", "--ca", str(tmp_path / "ca.pem")]
    assert "there is no Hub" in CliRunner().invoke(main, arguments).output
