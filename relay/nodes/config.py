"""Owns the settings of what joins nodes. Without an address of Redis a node is on its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mesh.config import Secret, setting
from mesh.settings import RedisConfig
from relay.nodes.mailbox import Mailbox

if TYPE_CHECKING:
    from mesh.redis import Redis
    from relay.routing.node import Node

# A command of the directory touches one key; one that takes longer says that Redis is away.
_REDIS_SECONDS: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxSettings:
    """Whether sealed envelopes wait in Redis for who is away, how many bytes for each, and for how long at most."""

    on: bool = setting("ORA_RELAY_MAILBOX", default=False)
    most_bytes: int = setting("ORA_RELAY_MAILBOX_BYTES", default=256 * 1024)
    seconds: int = setting("ORA_RELAY_MAILBOX_SECONDS", default=24 * 3600)

    def made(self, node: Node, redis: Redis) -> Mailbox | None:
        """Return the mailbox, if there is to be one."""
        if not self.on:
            return None
        return Mailbox(node, redis, most_bytes=self.most_bytes, longest_ms=self.seconds * 1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodesSettings:
    """Redis, and where this node takes links."""

    mailbox: MailboxSettings
    redis_url: Secret = setting("ORA_REDIS_URL", default=Secret(""))
    redis_cluster: bool = setting("ORA_REDIS_CLUSTER", default=False)
    redis_seconds: float = setting("ORA_RELAY_REDIS_TIMEOUT_SECONDS", default=_REDIS_SECONDS)
    # host:port of this node's gRPC as the other nodes reach it; empty: ORA_GRPC_LISTEN.
    link_address: str = setting("ORA_RELAY_LINK_ADDRESS", default="")
    # A folder of Unix sockets, given to workers of one host by the process that started them.
    local_links: str = setting("ORA_RELAY_LOCAL_LINKS", default="")

    def redis(self) -> RedisConfig | None:
        """Return how Redis is reached, or None when there is none."""
        if not self.redis_url.reveal():
            return None
        return RedisConfig(url=self.redis_url, cluster=self.redis_cluster, timeout_seconds=self.redis_seconds)
