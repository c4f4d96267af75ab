"""docs/sdk.md: its examples run, and it names every module that there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import sdk

ROOT = Path(str(sdk.__file__)).parents[1]
TEXT = (ROOT / "docs" / "sdk.md").read_text()
EXAMPLES = re.findall(r"^## (.+?)\n```python\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
# Parts that are reached through others.
INNER = {"errors", "ids", "key_files", "surface", "golden"}


@pytest.mark.parametrize(("title", "code"), EXAMPLES, ids=[title for title, _ in EXAMPLES])
def test_an_example_runs(title: str, code: str) -> None:
    exec(compile(code, title, "exec"), {})  # noqa: S102 - our own page


def test_there_are_examples() -> None:
    assert len(EXAMPLES) == TEXT.count("```python") >= 4


def test_every_module_is_named() -> None:
    names = {path.stem for path in (ROOT / "sdk").glob("*.py")} | {"backup", "golden"}
    assert sorted(each for each in names - INNER - {"__init__"} if f"`sdk.{each}`" not in TEXT) == []
