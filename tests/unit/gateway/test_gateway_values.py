from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from gateway import render, values_file
from gateway.values import Address, ValuesError

if TYPE_CHECKING:
    from pathlib import Path


def good() -> dict[str, Any]:
    return {
        "environment": "dev",
        "certificates": "/certs",
        "listen": {"app": "127.0.0.1:1", "hub": "[::1]:2", "admin": "127.0.0.1:3"},
        "issuers": [
            {
                "name": "voltex",
                "issuer": "https://id.test",
                "audience": "ora-api",
                "jwks_uri": "http://127.0.0.1:4/jwks",
                "roles": ["electrician"],
            }
        ],
        "targets": {"relay": ["127.0.0.1:5", "relay.test:6"]},
        "limits": {"write": {"per_second": 1, "burst": 2}, "connections": 10},
    }


def test_values_are_read() -> None:
    values = values_file.parse(good())
    assert values.listen.hub == Address("::1", 2)
    assert values.targets["relay"][1] == Address("relay.test", 6)
    assert values.limits.write.burst == 2
    assert values.issuers[0].address == Address("127.0.0.1", 4)


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "environment": ({"environment": "moon"}, "environment"),
    "relative path": ({"certificates": "certs"}, "certificates"),
    "public admin": ({"listen": {"app": "0.0.0.0:1", "hub": "0.0.0.0:2", "admin": "0.0.0.0:3"}}, "listen.admin"),
    "no issuer": ({"issuers": []}, "issuers"),
    "unknown key": ({"colour": "red"}, "colour"),
    "no port": ({"targets": {"relay": ["127.0.0.1"]}}, "host:port"),
    "port too high": ({"targets": {"relay": ["127.0.0.1:70000"]}}, "host:port"),
    "no target": ({"targets": {"relay": []}}, "targets.relay"),
    "plain keys in production": ({"environment": "production"}, "plain http"),
    "unknown role": ({"issuers": [good()["issuers"][0] | {"roles": ["root"]}]}, "roles"),
    "two of one name": ({"issuers": good()["issuers"] * 2}, "issuers"),
    "https without CA": ({"issuers": [good()["issuers"][0] | {"jwks_uri": "https://x/y"}]}, "ca_file"),
}


@pytest.mark.parametrize("case", BAD.values(), ids=BAD)
def test_wrong_values_are_refused_with_their_name(case: tuple[dict[str, Any], str]) -> None:
    change, word = case
    with pytest.raises(ValuesError, match=word):
        values_file.parse(good() | change)


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(ValuesError) as error:
        values_file.parse(good() | {"environment": "moon", "certificates": "x", "issuers": []})
    assert len(error.value.problems) == 3


def test_the_command_writes_the_configuration_and_its_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source, out = tmp_path / "values.json", tmp_path / "envoy.yaml"
    source.write_text(json.dumps(good()))
    monkeypatch.setattr("sys.argv", ["render", "--values", str(source), "--out", str(out)])
    assert render.main() == 0
    assert {path.stem for path in (tmp_path / "envoy.secrets").iterdir()} == {"edge", "gateway", "mesh-ca", "hub-ca"}
    source.write_text(json.dumps(good() | {"environment": "moon"}))
    assert render.main() == 1
    assert "environment" in capsys.readouterr().err
