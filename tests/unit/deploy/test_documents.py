"""What the documents name is there: tests, runbooks, commands, decisions, and a contact that has not expired."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path

import click
import pytest
import yaml

from deploy import decisions
from deploy.release import render
from devstack.cli import ora

ROOT = Path(__file__).resolve().parents[3]
DOCS = ROOT / "docs"
ROW = re.compile(r"^\|(?! *principle| *\| threat|-).*\|$", re.MULTILINE)
TEST = re.compile(r"`((?:unit|integration|e2e|contract|fuzz|chaos)/[\w/]+\.py)`")
# A context of a signature, such as `ora envelope v1`, is no command.
COMMAND = re.compile(r"`ora (?![a-z ]+ v\d)((?:[a-z][a-z-]* ?)+)")
MODULE = re.compile(r"python -m ([a-z_]+(?:\.[a-z_]+)*)")
REASON = re.compile(r"`([A-Z]{2,}(?:_[A-Z0-9]+)*)`")
# Every word in capitals of our sources: a reason, an outcome or a state that a document names is among them.
SERVING = ("mesh", "relay", "portal_svc", "fleet_svc", "ingest_svc", "backup_svc", "gateway")
SOURCES = (*SERVING, "sdk", "hubsim", "devstack", "proto/ora")
WORDS = {
    word
    for room in SOURCES
    for kind in ("*.py", "*.proto", "*.lua")
    for file in (ROOT / room).rglob(kind)
    for word in re.findall(r"[A-Z]{2,}(?:_[A-Z0-9]+)*", file.read_text())
}
MAKE = re.compile(r"`make ([a-z-]+)`")
PAGES = sorted([*DOCS.glob("*.md"), *(DOCS / "runbooks").glob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"])


@pytest.mark.parametrize("page", ["threat-model.md", "traceability.md"])
def test_every_row_names_tests_that_exist(page: str) -> None:
    rows = ROW.findall((DOCS / page).read_text())
    assert len(rows) > 20
    for row in rows:
        named = TEST.findall(row)
        assert named, row
        for each in named:
            assert (ROOT / "tests" / each).exists(), each


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_that_documents_name_exist(page: Path) -> None:
    for words in COMMAND.findall(page.read_text()):
        assert command(words.split()), f"ora {words}"
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(MAKE.findall(page.read_text())) <= targets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_programs_and_reasons_that_documents_name_exist(page: Path) -> None:
    text = page.read_text()
    for module in MODULE.findall(text):
        assert find_spec(module), f"python -m {module}"
    unknown = set(REASON.findall(text)) - WORDS
    assert not unknown, unknown


def command(words: list[str]) -> bool:
    """Tell whether the words lead to a command; a group takes the next word, a command takes arguments."""
    found: click.Command = ora
    context = click.Context(ora)
    for word in words:
        if not isinstance(found, click.Group):
            return True
        following = found.get_command(context, word)
        if following is None:
            return False
        found = following
    return True


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", page.read_text()):
        assert (page.parent / target).exists(), target


def test_decisions_are_listed() -> None:
    files = {each.name for each in (DOCS / "adr").glob("[0-9]*.md")}
    numbers = [each[:4] for each in files]
    assert len(set(numbers)) == len(numbers), "two decisions have one number"
    assert decisions.LIST.read_text() == decisions.text(), "python -m deploy.decisions"


def test_the_contact_for_weaknesses_is_valid() -> None:
    fields = dict(
        line.split(": ", 1) for line in (DOCS / "security.txt").read_text().splitlines() if not line.startswith("#")
    )
    assert fields["Contact"].startswith("mailto:")
    expires = datetime.fromisoformat(fields["Expires"])
    # RFC 9116, section 2.5.5: not more than a year ahead; and one that has passed is no contact.
    assert datetime.now(UTC) < expires < datetime.now(UTC) + timedelta(days=366)
    assert fields["Contact"].removeprefix("mailto:") in (ROOT / "SECURITY.md").read_text()


def test_everything_is_in_sydney() -> None:
    for file in (ROOT / "deploy" / "terraform").rglob("*.tf*"):
        assert set(re.findall(r"\b[a-z]{2}-[a-z]+-\d\b", file.read_text())) <= {"ap-southeast-2"}, file
    stores = [each for each in yaml.safe_load_all(render("overlays/prod-sydney")) if each["kind"] == "SecretStore"]
    assert [each["spec"]["provider"]["aws"]["region"] for each in stores] == ["ap-southeast-2"]
