"""The record of processing says what the migrations and contracts say, and refuses what nobody has classified."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
SPEC = importlib.util.spec_from_file_location("record", ROOT / "proto/tools/record.py")
assert SPEC
assert SPEC.loader
record: Any = importlib.util.module_from_spec(SPEC)
sys.modules["record"] = record
SPEC.loader.exec_module(record)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of what the portal's part of the record is made of."""
    shutil.copytree(ROOT / "portal_svc/migrations", tmp_path / "portal_svc/migrations")
    (tmp_path / record.ACTIVITIES).mkdir(parents=True)
    shutil.copy(ROOT / record.ACTIVITIES / "portal.yaml", tmp_path / record.ACTIVITIES)
    return tmp_path


def test_the_committed_record_is_the_one_that_is_made() -> None:
    assert record.main(["--check"]) == 0


def test_a_column_without_a_class_is_refused(tree: Path) -> None:
    path = tree / "portal_svc/migrations/0001_accounts.sql"
    text = path.read_text()
    path.write_text(
        text.replace("COMMENT ON COLUMN portal.account.subject IS 'PII: ", "COMMENT ON TABLE portal.account IS '")
    )
    with pytest.raises(record.RecordError, match=r"portal\.account\.subject has no data class"):
        record.data_map(tree)


def test_a_new_table_with_more_than_public_columns_needs_an_activity(tree: Path) -> None:
    tables = record.data_map(tree)
    with (tree / "portal_svc/migrations/0001_accounts.sql").open("a", encoding="utf-8") as file:
        file.write(
            "\nCREATE TABLE portal.diary (\n    page text NOT NULL\n);\nCOMMENT ON TABLE portal.diary IS 'Pages.';\n"
            "COMMENT ON COLUMN portal.diary.page IS 'PII: what somebody wrote.';\n"
        )
    with pytest.raises(record.RecordError, match=r"portal\.diary is in no activity"):
        record.activities(tree, record.data_map(tree))
    assert record.activities(tree, tables)["activities"]


def test_a_table_that_is_gone_is_not_processed_any_more(tree: Path) -> None:
    tables = record.data_map(tree)
    del tables["portal.license"]
    with pytest.raises(record.RecordError, match=r"portal\.license is in .* and does not exist"):
        record.activities(tree, tables)


FIRST = """CREATE TABLE a.b (
    c text,
    d text,
    PRIMARY KEY (c)
);
COMMENT ON TABLE a.b IS 'It''s b.';
COMMENT ON COLUMN a.b.c IS 'PII: a; person''s (word)';
"""
SECOND = """ALTER TABLE a.b DROP COLUMN d, ADD COLUMN e text;
COMMENT ON COLUMN a.b.e IS 'PUBLIC: e.';
"""


def test_dropped_columns_and_quotes_are_understood() -> None:
    found = record.tables_of([FIRST, SECOND])
    assert found["a.b"].columns == {"c": "PII: a; person's (word)", "e": "PUBLIC: e."}
    assert found["a.b"].about == "It's b."


def test_contract_fields_are_listed_by_their_class() -> None:
    found = {(message, name): kind for message, name, kind in record.contract_fields(ROOT)}
    assert found["ora.portal.v1.Account", "subject"] == "PII"
    assert found["ora.portal.v1.ApiToken", "token"] == "SECRET"
    assert found["ora.relay.v1.Envelope", "sealed"] == "OPAQUE"
    assert ("ora.portal.v1.Account", "issuer") not in found
