"""Owns the choice of the key port's adapter by configuration, and whom its purposes are for. Knows no service."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import assert_never

from mesh.config import setting
from mesh.kms import Destroyed, FileKms, ForPurposes, Kms
from mesh.kms_aws import AwsKms, aws_client
from mesh.kms_pkcs11 import Pkcs11Kms
from mesh.pkcs11 import Pkcs11Config, Token


class KmsKind(StrEnum):
    """Where root keys are."""

    FILE = "file"
    PKCS11 = "pkcs11"
    AWS = "aws"


@dataclass(frozen=True, slots=True, kw_only=True)
class KmsConfig:
    """The key port."""

    kind: KmsKind = setting("ORA_KMS", default=KmsKind.FILE)
    # What is destroyed is remembered here, on a volume that all nodes share; for `file` the root keys are here too.
    folder: Path = setting("ORA_KMS_FOLDER")
    pkcs11: Pkcs11Config
    aws_region: str = setting("ORA_KMS_AWS_REGION", default="")
    # Empty: AWS's own.
    aws_endpoint: str = setting("ORA_KMS_AWS_ENDPOINT", default="")
    aws_alias_prefix: str = setting("ORA_KMS_AWS_ALIAS_PREFIX", default="ora-")

    def __post_init__(self) -> None:
        if self.kind is KmsKind.PKCS11 and not self.pkcs11.module:
            raise ValueError("ORA_KMS=pkcs11 needs ORA_PKCS11_MODULE")
        if self.kind is KmsKind.AWS and not self.aws_region:
            raise ValueError("ORA_KMS=aws needs ORA_KMS_AWS_REGION")


def open_kms(config: KmsConfig, *purposes: str) -> ForPurposes:
    """Return the key port of the configuration, for these purposes alone."""
    return ForPurposes(_adapter(config), *purposes)


def _adapter(config: KmsConfig) -> Kms:
    destroyed = Destroyed(config.folder / "destroyed-keys")
    match config.kind:
        case KmsKind.FILE:
            return FileKms.create(config.folder)
        case KmsKind.PKCS11:
            return Pkcs11Kms(Token(config.pkcs11), destroyed)
        case KmsKind.AWS:
            client = aws_client(config.aws_region, config.aws_endpoint)
            return AwsKms(client, destroyed, prefix=config.aws_alias_prefix)
        case _:
            assert_never(config.kind)
