"""Owns the settings of the general broker that conformance suites are run against."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mesh.config import setting
from mesh.settings import Environment, LogFormat
from relay.broker.limits import BrokerLimits
from relay.config import address
from relay.io.plain import is_loopback

_DEFAULTS: Final = BrokerLimits()
_LISTENERS: Final = ("listen", "tls_listen")


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerSettings:
    """Where it listens, and the limits that somebody may have to change."""

    # Without TLS, for suites that have none: on a loopback address only. And with TLS and client certificates.
    listen: str = setting("ORA_CONFORMANCE_LISTEN", default="")
    tls_listen: str = setting("ORA_CONFORMANCE_TLS_LISTEN", default="")
    max_packet: int = setting("ORA_CONFORMANCE_PACKET_BYTES", default=_DEFAULTS.max_packet)
    sessions: int = setting("ORA_CONFORMANCE_SESSIONS", default=_DEFAULTS.sessions)
    receive_maximum: int = setting("ORA_CONFORMANCE_RECEIVE_MAXIMUM", default=_DEFAULTS.receive_maximum)
    topic_alias_maximum: int = setting("ORA_CONFORMANCE_TOPIC_ALIASES", default=_DEFAULTS.topic_alias_maximum)
    subscriptions: int = setting("ORA_CONFORMANCE_SUBSCRIPTIONS", default=_DEFAULTS.subscriptions)
    all_subscriptions: int = setting("ORA_CONFORMANCE_ALL_SUBSCRIPTIONS", default=_DEFAULTS.all_subscriptions)
    session_queue: int = setting("ORA_CONFORMANCE_SESSION_QUEUE_BYTES", default=_DEFAULTS.session_queue)
    queue: int = setting("ORA_CONFORMANCE_QUEUE_BYTES", default=_DEFAULTS.queue)
    retained_messages: int = setting("ORA_CONFORMANCE_RETAINED_MESSAGES", default=_DEFAULTS.retained_messages)
    retained_bytes: int = setting("ORA_CONFORMANCE_RETAINED_BYTES", default=_DEFAULTS.retained_bytes)
    refused_filters: tuple[str, ...] = setting("ORA_CONFORMANCE_REFUSED_FILTERS", default=_DEFAULTS.refused_filters)

    def __post_init__(self) -> None:
        if not self.listen and not self.tls_listen:
            raise ValueError("ORA_CONFORMANCE_LISTEN or ORA_CONFORMANCE_TLS_LISTEN is host:port")
        for listen in filter(None, (self.listen, self.tls_listen)):
            address(listen)
        if self.listen and not is_loopback(address(self.listen)[0]):
            raise ValueError("ORA_CONFORMANCE_LISTEN has no TLS, so it is on a loopback address")
        values = {name: getattr(self, name) for name in self.__slots__}
        wrong = [name for name, value in values.items() if isinstance(value, int) and value <= 0]
        if wrong:
            raise ValueError(f"{', '.join(wrong)} is more than zero")

    def limits(self) -> BrokerLimits:
        """Return all limits."""
        return BrokerLimits(**{name: getattr(self, name) for name in self.__slots__ if name not in _LISTENERS})


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerConfig:
    """Everything that it reads, once, at its start: it has no gRPC side, so it does not ask for the mesh's settings."""

    broker: BrokerSettings
    cert_dir: Path = setting("ORA_CERT_DIR")
    environment: Environment = setting("ORA_ENVIRONMENT", default=Environment.PRODUCTION)
    log_level: str = setting("ORA_LOG_LEVEL", default="info", parse=str.lower)
    log_format: LogFormat = setting("ORA_LOG_FORMAT", default=LogFormat.JSON)

    def __post_init__(self) -> None:
        if self.environment is not Environment.DEV:
            raise ValueError(
                "the broker for conformance suites lets any client use any topic: "
                f"ORA_ENVIRONMENT={self.environment} refuses it"
            )
