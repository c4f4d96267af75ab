"""Owns the settings of backup_svc."""

from __future__ import annotations

from dataclasses import dataclass

from mesh.config import setting
from mesh.kms_choice import KmsConfig
from mesh.object_store import ObjectStoreConfig
from mesh.settings import DatabaseConfig, MeshConfig, RedisConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Everything that backup_svc reads, once, at its start."""

    mesh: MeshConfig
    database: DatabaseConfig
    redis: RedisConfig
    fleet: tuple[str, ...] = setting("ORA_FLEET_TARGET")
    # Where containers are kept.
    objects: ObjectStoreConfig
    # Wraps the ticket keys.
    kms: KmsConfig
    # How many generations of one line are kept.
    retained: int = setting("ORA_BACKUP_RETAINED", default=5)

    def __post_init__(self) -> None:
        if not 1 <= self.retained <= 100:  # noqa: PLR2004 - a page of the contract
            raise ValueError("ORA_BACKUP_RETAINED is 1 to 100")
