from __future__ import annotations

import pytest
from click.testing import CliRunner

from devstack.cli import ora
from devstack.commands.dev import dev

HUB = ["--hub", "0197a3c4-5b6d-7e8f-9012-3456789abcde"]
DEV_COMMANDS = {
    "token": [],
    "enrol-hub": HUB,
    "consent": ["give", *HUB],
    "pair": HUB,
    "send": [*HUB, "hello"],
    "listen": HUB,
    "dump": [],
    "revoke": HUB,
    "telemetry": HUB,
}


def test_every_dev_command_is_listed_here() -> None:
    assert set(dev._table) == set(DEV_COMMANDS)


@pytest.mark.parametrize("environment", ["production", "staging", "DEV"])
@pytest.mark.parametrize("command", DEV_COMMANDS)
def test_a_dev_command_refuses_another_environment(
    monkeypatch: pytest.MonkeyPatch, command: str, environment: str
) -> None:
    monkeypatch.setenv("ORA_ENVIRONMENT", environment)
    result = CliRunner().invoke(ora, ["dev", command, *DEV_COMMANDS[command]])
    assert result.exit_code == 1
    assert f"NOT_FOR_DEVELOPMENT: ORA_ENVIRONMENT is {environment}" in result.output


@pytest.mark.parametrize("spelling", ["0197A3C4-5B6D-7E8F-9012-3456789ABCDE", "0197a3c45b6d7e8f90123456789abcde", "x"])
def test_a_hub_is_named_in_one_spelling_alone(spelling: str) -> None:
    result = CliRunner().invoke(ora, ["dev", "enrol-hub", "--hub", spelling])
    assert result.exit_code == 2
    assert "lower case" in result.output


def test_without_a_stack_a_command_says_how_to_start_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.setenv("ORA_HOME", str(tmp_path_factory.mktemp("nothing")))
    result = CliRunner().invoke(ora, ["status"])
    assert result.exit_code == 1
    assert "`ora up` starts one" in result.output


def test_every_command_that_is_listed_can_be_loaded() -> None:
    for name in ora._table:
        assert CliRunner().invoke(ora, [name, "--help"]).exit_code == 0, name
    for name in dev._table:
        assert CliRunner().invoke(ora, ["dev", name, "--help"]).exit_code == 0, name
