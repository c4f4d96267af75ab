"""Owns the settings of fleet_svc."""

from __future__ import annotations

from dataclasses import dataclass

from mesh.config import setting
from mesh.settings import DatabaseConfig, MeshConfig, RedisConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Everything that fleet_svc reads, once, at its start."""

    mesh: MeshConfig
    database: DatabaseConfig
    redis: RedisConfig
    # Phase 2 gates that are open, by their names in proto/phase2.yaml.
    open_gates: tuple[str, ...] = setting("ORA_OPEN_GATES", default=())
    heartbeat_seconds: float = setting("ORA_FLEET_HEARTBEAT_SECONDS", default=2.0)
    # Changed Hubs that may wait for one slow watcher before it is told to ask again for all.
    watch_queue: int = setting("ORA_FLEET_WATCH_QUEUE", default=4096)

    def __post_init__(self) -> None:
        if not 0 < self.heartbeat_seconds <= 20:  # noqa: PLR2004 - three of them fill the 60 s a cache may age
            msg = "ORA_FLEET_HEARTBEAT_SECONDS is more than 0 and at most 20"
            raise ValueError(msg)
        if self.watch_queue < 1:
            msg = "ORA_FLEET_WATCH_QUEUE is at least 1"
            raise ValueError(msg)
