"""The settings of the portal: what is refused at the start."""

from __future__ import annotations

import pytest

from mesh.config import ConfigError, load
from portal_svc.config import Config

SETTINGS = {
    "ORA_GRPC_LISTEN": "127.0.0.1:0",
    "ORA_CERT_DIR": "/certificates",
    "ORA_DATABASE_URL": "postgresql://x",
    "ORA_REDIS_URL": "redis://x",
    "ORA_FLEET_TARGET": "fleet:1",
    "ORA_KMS_FOLDER": "/kms",
    "ORA_OBJECT_STORE": "file:/objects",
    "ORA_PORTAL_SIGNING_FOLDER": "/keys",
    "ORA_ENVIRONMENT": "dev",
}


def test_root_keys_in_files_are_for_development() -> None:
    assert load(Config, SETTINGS).kms.kind == "file"
    with pytest.raises(ConfigError, match="needs an HSM or AWS"):
        load(Config, {**SETTINGS, "ORA_ENVIRONMENT": "production"})
    aws = {"ORA_KMS": "aws", "ORA_KMS_AWS_REGION": "ap-southeast-2"}
    assert load(Config, {**SETTINGS, **aws, "ORA_ENVIRONMENT": "production"}).kms.kind == "aws"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ORA_PORTAL_RELEASE_NOTICE_SECONDS", "43201"),
        ("ORA_PORTAL_STRIP_SECONDS", "86401"),
        ("ORA_PORTAL_REFUSAL_SECONDS", "6"),
        ("ORA_PORTAL_SECRET", "00"),
    ],
)
def test_what_is_out_of_its_bounds_is_refused(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=name):
        load(Config, {**SETTINGS, name: value})
