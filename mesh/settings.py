"""Owns the settings that every service has; knows no service. A service's config holds these beside its own."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from mesh.config import Secret, setting
from mesh.ratelimit import RateLimits, parse_limits

_ALGORITHMS: Final = frozenset({"ES256", "ES384", "EdDSA", "PS256", "RS256"})
_ORIGIN_SLASHES: Final = 2
_ISSUER_KEYS: Final = frozenset({"issuer", "audience", "jwks_uri", "roles", "algorithm", "acr_levels", "bound_step_up"})


class Environment(StrEnum):
    """Where this runs. Only ``dev`` has reflection, channelz and plain-HTTP issuers."""

    DEV = "dev"
    STAGING = "staging"
    PRODUCTION = "production"


class LogFormat(StrEnum):
    """How a log line looks."""

    JSON = "json"
    CONSOLE = "console"


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """One identity provider whose access tokens are believed, and the roles that it may grant."""

    issuer: str
    audience: str
    # Where its keys are; empty: where its discovery document says.
    jwks_uri: str
    roles: frozenset[str]
    # The one signature algorithm that it uses.
    algorithm: str = "ES256"
    # Its `acr` values from weak to strong; a stronger one satisfies a weaker demand. Values not listed match exactly.
    acr_levels: tuple[str, ...] = ()
    # Whether it binds tokens to keys (RFC 9449), and a step-up is taken with such a token alone.
    bound_step_up: bool = False


def parse_issuers(text: str) -> tuple[Issuer, ...]:
    """Return the issuers of a JSON list of objects."""
    loaded = json.loads(text)
    if not isinstance(loaded, list):
        raise ValueError("a JSON list is wanted")  # noqa: TRY004 - a wrong value, not a wrong type of ours
    return tuple(_issuer(each) for each in loaded)


def parse_origins(text: str) -> tuple[str, ...]:
    """Return the origins of a list with commas."""
    origins = tuple(each.strip().lower() for each in text.split(",") if each.strip())
    wrong = [each for each in origins if not each.startswith("https://") or each.count("/") != _ORIGIN_SLASHES]
    if wrong:
        raise ValueError(f"{wrong} is not https://host[:port]")
    return origins


def _issuer(each: dict[str, Any]) -> Issuer:
    missing = {"issuer", "audience", "roles"} - each.keys()
    if missing or each.keys() - _ISSUER_KEYS:
        raise ValueError(f"an issuer has the keys {sorted(_ISSUER_KEYS)}; missing {sorted(missing)}")
    algorithm = each.get("algorithm", "ES256")
    if algorithm not in _ALGORITHMS:
        raise ValueError(f"{algorithm} is no algorithm that we accept")
    return Issuer(
        issuer=each["issuer"],
        audience=each["audience"],
        jwks_uri=each.get("jwks_uri", ""),
        roles=frozenset(each["roles"]),
        algorithm=algorithm,
        acr_levels=tuple(each.get("acr_levels", ())),
        bound_step_up=each.get("bound_step_up", False) is True,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class MeshConfig:
    """What the mesh runtime itself needs."""

    environment: Environment = setting("ORA_ENVIRONMENT", default=Environment.PRODUCTION)
    grpc_listen: str = setting("ORA_GRPC_LISTEN")
    cert_dir: Path = setting("ORA_CERT_DIR")
    node_id: str = setting("ORA_NODE_ID", default="")
    metrics_listen: str = setting("ORA_METRICS_LISTEN", default="")
    otlp_endpoint: str = setting("ORA_OTLP_ENDPOINT", default="")
    trace_ratio: float = setting("ORA_TRACE_RATIO", default=0.01)
    log_level: str = setting("ORA_LOG_LEVEL", default="info", parse=str.lower)
    log_format: LogFormat = setting("ORA_LOG_FORMAT", default=LogFormat.JSON)
    # An error register (Sentry) that is told what a log line of an error shows. Empty: nobody is told.
    error_register: Secret | None = setting("ORA_SENTRY_DSN", default=None)
    # Which build this is: a revision, or nothing.
    release: str = setting("ORA_RELEASE", default="")
    # Exception texts may hold data, so they are logged on a developer's machine alone.
    log_exception_text: bool = setting("ORA_LOG_EXCEPTION_TEXT", default=False)
    issuers: tuple[Issuer, ...] = setting("ORA_OIDC_ISSUERS", default=(), parse=parse_issuers)
    # Where the API is reached (`https://host[:port]`), as a proof of possession says. Empty: what the caller asked for.
    public_origins: tuple[str, ...] = setting("ORA_PUBLIC_ORIGINS", default=(), parse=parse_origins)
    rate_limits: RateLimits = setting("ORA_RATE_LIMITS", default=RateLimits(), parse=parse_limits)
    max_message_bytes: int = setting("ORA_GRPC_MAX_MESSAGE_BYTES", default=1 << 20)
    max_concurrent_calls: int = setting("ORA_GRPC_MAX_CONCURRENT_CALLS", default=1000)
    drain_seconds: float = setting("ORA_DRAIN_SECONDS", default=10.0)

    def __post_init__(self) -> None:
        if self.environment is not Environment.DEV:
            if self.log_exception_text:
                raise ValueError("ORA_LOG_EXCEPTION_TEXT is for ORA_ENVIRONMENT=dev")
            told = [each.jwks_uri or each.issuer for each in self.issuers]
            plain = [each for each in told if not each.startswith("https://")]
            if plain:
                raise ValueError(f"ORA_OIDC_ISSUERS: {plain} is not https")


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseConfig:
    """PostgreSQL, as the service's own role."""

    url: Secret = setting("ORA_DATABASE_URL")
    pool_min: int = setting("ORA_DATABASE_POOL_MIN", default=1)
    pool_max: int = setting("ORA_DATABASE_POOL_MAX", default=8)
    acquire_seconds: float = setting("ORA_DATABASE_ACQUIRE_SECONDS", default=2.0)
    statement_seconds: float = setting("ORA_DATABASE_STATEMENT_SECONDS", default=5.0)
    lock_seconds: float = setting("ORA_DATABASE_LOCK_SECONDS", default=2.0)
    idle_in_transaction_seconds: float = setting("ORA_DATABASE_IDLE_SECONDS", default=10.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisConfig:
    """Redis or Valkey, one server or a cluster's entry point."""

    url: Secret = setting("ORA_REDIS_URL")
    cluster: bool = setting("ORA_REDIS_CLUSTER", default=False)
    max_connections: int = setting("ORA_REDIS_MAX_CONNECTIONS", default=32)
    timeout_seconds: float = setting("ORA_REDIS_TIMEOUT_SECONDS", default=1.0)
