from __future__ import annotations

import pickle
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import pytest

from mesh.config import ConfigError, Secret, load, setting
from mesh.settings import DatabaseConfig, Environment, MeshConfig, RedisConfig


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Inner:
    password: Secret = setting("T_PASSWORD")


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    inner: Inner
    name: str = setting("T_NAME")
    count: int = setting("T_COUNT", default=3)
    on: bool = setting("T_ON", default=False)
    colour: Colour = setting("T_COLOUR", default=Colour.RED)
    place: Path | None = setting("T_PLACE", default=None)
    many: tuple[int, ...] = setting("T_MANY", default=())


GOOD = {"T_NAME": "n", "T_PASSWORD": "hunter2"}


def test_values_are_read_by_their_types() -> None:
    more = {"T_COUNT": "7", "T_ON": "True", "T_COLOUR": "blue", "T_PLACE": "/x", "T_MANY": "1, 2,"}
    config = load(Config, {**GOOD, **more})
    assert (config.name, config.count, config.on, config.colour) == ("n", 7, True, Colour.BLUE)
    assert (config.place, config.many) == (Path("/x"), (1, 2))


def test_defaults_stand_for_what_is_not_set_or_empty() -> None:
    config = load(Config, {**GOOD, "T_COUNT": ""})
    assert (config.count, config.on, config.place, config.many) == (3, False, None, ())


def test_all_problems_are_reported_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        load(Config, {"T_COUNT": "x", "T_COLOUR": "green", "T_ON": "maybe", "T_MANY": "1,b"})
    said = str(caught.value)
    assert len(caught.value.problems) == 6
    for each in ("T_NAME is missing", "T_PASSWORD is missing", "T_COUNT", "red, blue", "'maybe'", "T_MANY"):
        assert each in said


def test_secret_is_read_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "p").write_text("from file \n")
    config = load(Config, {"T_NAME": "n", "T_PASSWORD_FILE": str(tmp_path / "p")})
    assert config.inner.password.reveal() == "from file "


def test_secret_given_twice_or_in_a_missing_file_is_a_problem(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="not both"):
        load(Config, {**GOOD, "T_PASSWORD_FILE": str(tmp_path / "p")})
    with pytest.raises(ConfigError, match="No such file"):
        load(Config, {"T_NAME": "n", "T_PASSWORD_FILE": str(tmp_path / "p")})


def test_file_suffix_is_for_secrets_alone(tmp_path: Path) -> None:
    (tmp_path / "n").write_text("x")
    with pytest.raises(ConfigError, match="T_NAME is missing"):
        load(Config, {"T_NAME_FILE": str(tmp_path / "n"), "T_PASSWORD": "x"})


def test_secret_shows_nowhere() -> None:
    config = load(Config, GOOD)
    for shown in (repr(config), str(config.inner.password), f"{config.inner.password}", str([config.inner])):
        assert "hunter2" not in shown
    with pytest.raises(TypeError):
        pickle.dumps(config.inner.password)


MESH = {"ORA_GRPC_LISTEN": "127.0.0.1:1", "ORA_CERT_DIR": "/certs"}
ISSUER = '[{"issuer": "i", "audience": "a", "jwks_uri": "%s", "roles": ["electrician"]}]'


def test_mesh_is_production_unless_told_otherwise() -> None:
    assert load(MeshConfig, MESH).environment is Environment.PRODUCTION


def test_plain_http_keys_and_exception_texts_are_for_dev() -> None:
    plain = {**MESH, "ORA_OIDC_ISSUERS": ISSUER % "http://x/jwks"}
    with pytest.raises(ConfigError, match="not https"):
        load(MeshConfig, plain)
    assert load(MeshConfig, {**plain, "ORA_ENVIRONMENT": "dev"}).issuers[0].roles == {"electrician"}
    with pytest.raises(ConfigError, match="ORA_LOG_EXCEPTION_TEXT"):
        load(MeshConfig, {**MESH, "ORA_LOG_EXCEPTION_TEXT": "1"})


@pytest.mark.parametrize(
    "text",
    ["{}", "[{}]", "not json", ISSUER.replace('"issuer"', '"isuer"'), ISSUER.replace("}]", ', "algorithm": "HS256"}]')],
)
def test_issuers_that_are_not_whole_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="ORA_OIDC_ISSUERS"):
        load(MeshConfig, {**MESH, "ORA_OIDC_ISSUERS": text})


@pytest.mark.parametrize("text", ['{"write": {"per_minute": 0, "burst": 1}}', '{"wirte": {}}', '{"write": {"x": 1}}'])
def test_limits_that_are_not_whole_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="ORA_RATE_LIMITS"):
        load(MeshConfig, {**MESH, "ORA_RATE_LIMITS": text})


def test_limits_replace_only_what_they_name() -> None:
    limits = '{"write": {"per_minute": 5, "burst": 2}, "streams": 1}'
    found = load(MeshConfig, {**MESH, "ORA_RATE_LIMITS": limits}).rate_limits
    assert (found.write.burst, found.streams, found.sensitive.burst) == (2, 1, 6)


def test_urls_of_stores_are_secrets() -> None:
    database = load(DatabaseConfig, {"ORA_DATABASE_URL": "postgresql://u:hunter2@h/d"})
    redis = load(RedisConfig, {"ORA_REDIS_URL": "redis://:hunter2@h"})
    assert "hunter2" not in f"{database}{redis}"
