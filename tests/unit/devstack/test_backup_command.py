from __future__ import annotations

import json
from typing import TYPE_CHECKING

from click.testing import CliRunner

from devstack.cli import ora
from sdk.golden.backups import key_of
from sdk.golden.files import ROOT

if TYPE_CHECKING:
    from pathlib import Path


def run(*arguments: str, said: str | None = None) -> tuple[int, str]:
    result = CliRunner().invoke(ora, ["backup", *arguments], input=said)
    return result.exit_code, result.output


def test_a_plaintext_that_conforms_passes() -> None:
    assert run("check", str(ROOT / "layout" / "small.bin")) == (0, "conforms to ora.backup.v1.Layout\n")


def test_what_is_wrong_is_listed() -> None:
    status, said = run("check", str(ROOT / "layout" / "bad_unknown_field.bin"))
    assert status == 1
    assert "field 64 is not in the contract" in said
    assert "LAYOUT" in said


def test_a_container_is_opened_first(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(key_of("owner").text() + "\n")
    status, said = run("check", str(ROOT / "backup" / "first.bin"), "--key-file", str(tmp_path / "key"))
    assert (status, "generation 1" in said) == (0, True)


def test_a_wrong_key_is_named_and_never_shown() -> None:
    typed = key_of("stranger").text()
    status, said = run("check", str(ROOT / "backup" / "first.bin"), said=typed + "\n")
    assert (status, "WRONG_KEY" in said, typed in said) == (1, True, False)


def test_an_export_becomes_a_layout_that_conforms(tmp_path: Path) -> None:
    export = {"nodes": {"1": {"attributes": {"0/29/0": [{"0": 22, "1": 1}], "0/40/2": 1, "0/40/4": 2}}}}
    (tmp_path / "export.json").write_text(json.dumps(export))
    assert run("import-matter", str(tmp_path / "export.json"), str(tmp_path / "layout")) == (0, "1 devices\n")
    assert run("check", str(tmp_path / "layout"))[0] == 0
