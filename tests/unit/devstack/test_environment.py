from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from devstack import environment, state
from devstack.cli import ora
from devstack.dev import target
from devstack.home import Home
from devstack.ports import Ports
from devstack.running.component import Component
from devstack.running.output import Log
from devstack.running.process import Process
from devstack.site import site

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("named", ["production", "staging", "DEV", "prod"])
@pytest.mark.parametrize("command", [["up"], ["up", "--detach"], ["dev", "token"]])
def test_another_environment_is_refused_before_anything_is_made(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, named: str, command: list[str]
) -> None:
    monkeypatch.setenv("ORA_ENVIRONMENT", named)
    monkeypatch.setenv("ORA_HOME", str(tmp_path / "state"))
    result = CliRunner().invoke(ora, command)
    assert result.exit_code == 1
    assert f"NOT_FOR_DEVELOPMENT: ORA_ENVIRONMENT is {named}" in result.output
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("text", ["often", "1.5", "-0.1", "nan"])
@pytest.mark.parametrize("command", [["up"], ["up", "--detach"]])
def test_a_part_of_the_requests_that_is_none_is_refused_before_anything_is_made(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str, command: list[str]
) -> None:
    monkeypatch.setenv("ORA_TRACE_RATIO", text)
    monkeypatch.setenv("ORA_HOME", str(tmp_path / "state"))
    result = CliRunner().invoke(ora, command)
    assert result.exit_code == 1
    assert f"ORA_TRACE_RATIO is '{text}'; give a number from 0 to 1" in result.output
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("around", ["relay-1", "relay-1=", "=strace", "relay-1='strace"])
def test_words_around_a_component_that_cannot_be_read_are_refused_before_anything_is_made(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, around: str
) -> None:
    monkeypatch.setenv("ORA_HOME", str(tmp_path / "state"))
    result = CliRunner().invoke(ora, ["up", "--around", around])
    assert result.exit_code == 2
    assert "--around" in result.output
    assert around in result.output
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("named", ["", "dev"])
def test_a_stack_says_of_itself_that_it_is_for_development(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, named: str
) -> None:
    monkeypatch.setenv("ORA_ENVIRONMENT", named)
    assert site(Home(tmp_path), Ports(21000)).environment == "dev"


def test_a_stack_that_is_none_for_development_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ORA_ENVIRONMENT", raising=False)
    foreign = state.Running({"environment": "production", "home": "/srv/ora"}, "token")
    monkeypatch.setattr(state, "find", lambda _home: foreign)
    with pytest.raises(environment.NotForDevelopmentError, match="NOT_FOR_DEVELOPMENT"):
        target.local_stack()


class _At:
    async def ask(self) -> None:
        """Be ready."""


async def test_a_component_gets_what_is_on_the_lists_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("ORA_DATABASE_URL", "ORA_KMS_AWS_REGION", "ORA_FLEET_TARGET", "AWS_SECRET_ACCESS_KEY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "elsewhere")
    monkeypatch.setenv("ORA_LOG_LEVEL", "debug")
    told = tmp_path / "told.json"
    script = f"import json, os; json.dump(dict(os.environ), open({str(told)!r}, 'w'))"
    component = Component(name="x", argv=(sys.executable, "-c", script), ready=_At(), env={"ORA_NODE_ID": "x"})
    process = await Process.start(component, Log(tmp_path / "x.log", "x", None))
    async with asyncio.timeout(30):
        assert await process.wait() == 0
    await process.kill()
    process.log.close()
    got = json.loads(told.read_text())
    assert "elsewhere" not in got.values()
    assert (got["ORA_LOG_LEVEL"], got["ORA_NODE_ID"]) == ("debug", "x")
    assert "PATH" in got
