"""Owns the settings of ingest_svc."""

from __future__ import annotations

from dataclasses import dataclass

from mesh.config import Secret, setting
from mesh.settings import DatabaseConfig, MeshConfig, RedisConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Everything that ingest_svc reads, once, at its start."""

    mesh: MeshConfig
    database: DatabaseConfig
    redis: RedisConfig
    fleet: tuple[str, ...] = setting("ORA_FLEET_TARGET")
    page_keys: tuple[Secret, ...] = setting("ORA_PAGE_KEYS", parse=lambda text: tuple(map(Secret, text.split(","))))
    # Readings that may wait for a commit, in memory; more than these and the relay is made to wait.
    waiting_readings: int = setting("ORA_INGEST_WAITING_READINGS", default=50_000)
    # Readings of one commit at most.
    batch_readings: int = setting("ORA_INGEST_BATCH_READINGS", default=5_000)

    def __post_init__(self) -> None:
        if not 0 < self.batch_readings <= self.waiting_readings:
            raise ValueError("ORA_INGEST_BATCH_READINGS is at least 1 and at most ORA_INGEST_WAITING_READINGS")
