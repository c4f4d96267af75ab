"""Owns the settings of portal_svc."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from pathlib import Path

from mesh.config import Secret, setting
from mesh.kms_choice import KmsConfig, KmsKind
from mesh.object_store import ObjectStoreConfig
from mesh.settings import DatabaseConfig, Environment, MeshConfig, RedisConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Everything that portal_svc reads, once, at its start."""

    mesh: MeshConfig
    database: DatabaseConfig
    redis: RedisConfig
    fleet_targets: tuple[str, ...] = setting("ORA_FLEET_TARGET")
    kms: KmsConfig
    # Where plans are kept.
    objects: ObjectStoreConfig
    # The folder of the signing keys; portal_svc/signer.py says what is in it.
    signing_folder: Path = setting("ORA_PORTAL_SIGNING_FOLDER")
    # Where Voltex ID's register of licences answers. Without it every licence stays PENDING.
    license_register: str = setting("ORA_PORTAL_LICENSE_REGISTER", default="")
    # 32 bytes in hex, the same on all nodes. Without it page tokens and claim nonces are good at one node alone.
    secret: Secret | None = setting("ORA_PORTAL_SECRET", default=None)
    # How soon after the receipt a project is stripped; 24 hours at most.
    strip_seconds: float = setting("ORA_PORTAL_STRIP_SECONDS", default=3600.0)
    # The moment after its beginning at which a refused claim is answered.
    refusal_seconds: float = setting("ORA_PORTAL_REFUSAL_SECONDS", default=0.25)

    # How long after the electrician's approval a Project Key is not yet released, so that either side may object.
    release_notice_seconds: float = setting("ORA_PORTAL_RELEASE_NOTICE_SECONDS", default=0.0)

    def __post_init__(self) -> None:
        if self.mesh.environment is Environment.PRODUCTION and self.kms.kind is KmsKind.FILE:
            raise ValueError("ORA_KMS=file is for development and tests: custody needs an HSM or AWS")
        if self.secret is not None and len(bytes.fromhex(self.secret.reveal())) != 32:  # noqa: PLR2004
            raise ValueError("ORA_PORTAL_SECRET is 32 bytes in hex")
        if not 0 <= self.strip_seconds <= 86_400:  # noqa: PLR2004 - design §5
            raise ValueError("ORA_PORTAL_STRIP_SECONDS is 0 to 86400")
        if not 0 <= self.release_notice_seconds <= 43_200:  # noqa: PLR2004 - half of the approval's day
            raise ValueError("ORA_PORTAL_RELEASE_NOTICE_SECONDS is 0 to 43200")
        if not 0 <= self.refusal_seconds <= 5:  # noqa: PLR2004 - half of the method's deadline
            raise ValueError("ORA_PORTAL_REFUSAL_SECONDS is 0 to 5")


def derived(config: Config, purpose: bytes) -> bytes:
    """Return the key of one purpose: 32 bytes."""
    root = bytes.fromhex(config.secret.reveal()) if config.secret else secrets.token_bytes(32)
    return hmac.digest(root, b"ora portal v1\x00" + purpose, hashlib.sha256)
