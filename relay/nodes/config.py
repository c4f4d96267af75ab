"""Owns the settings of what joins nodes. Without an address of Redis a node is on its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from mesh.config import Secret, setting
from mesh.settings import RedisConfig

# A command of the directory touches one key; one that takes longer says that Redis is away.
_REDIS_SECONDS: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class NodesSettings:
    """Redis, and where this node takes links."""

    redis_url: Secret = setting("ORA_REDIS_URL", default=Secret(""))
    redis_cluster: bool = setting("ORA_REDIS_CLUSTER", default=False)
    redis_seconds: float = setting("ORA_RELAY_REDIS_TIMEOUT_SECONDS", default=_REDIS_SECONDS)
    # host:port of this node's gRPC as the other nodes reach it; empty: ORA_GRPC_LISTEN.
    link_address: str = setting("ORA_RELAY_LINK_ADDRESS", default="")

    def redis(self) -> RedisConfig | None:
        """Return how Redis is reached, or None when there is none."""
        if not self.redis_url.reveal():
            return None
        return RedisConfig(url=self.redis_url, cluster=self.redis_cluster, timeout_seconds=self.redis_seconds)
