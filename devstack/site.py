"""Owns what differs between one stack and another: its folder, its ports, and whose database and Redis it uses."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from devstack import environment, postgres, valkey
from devstack.home import Home
from devstack.ports import MOST_RELAYS, Ports

POSTGRES_URL: Final = "ORA_POSTGRES_URL"
REDIS_URL: Final = "ORA_REDIS_URL"


class SiteError(Exception):
    """What is asked for cannot be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One stack on this machine."""

    home: Home
    ports: Ports
    relays: int = 1
    # Processes of each relay, which share its MQTT port.
    workers: int = 1
    # Servers of somebody else's; None: we run our own.
    foreign_postgres: str | None = None
    foreign_redis: str | None = None
    environment: str = environment.DEVELOPMENT
    # Limits that one machine with all callers on it never reaches, for tests, benches and the demo.
    generous: bool = False
    # Whether a general MQTT broker runs beside the relays, for conformance suites.
    conformance: bool = False
    # Whether Prometheus and the page of the dashboards run beside it.
    observe: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.relays <= MOST_RELAYS:
            raise SiteError(f"between 1 and {MOST_RELAYS} relays, not {self.relays}")
        if not 1 <= self.workers <= MOST_RELAYS // self.relays:
            raise SiteError(
                f"{self.relays} relays of {self.workers} workers each are {self.relays * self.workers} processes; "
                f"there may be between 1 and {MOST_RELAYS}"
            )

    @property
    def admin_database(self) -> str:
        """Who may make roles and databases, and where."""
        return self.foreign_postgres or postgres.url(self.home, self.ports["postgres"], "postgres")

    @property
    def redis(self) -> str:
        """The address of Redis, with its password."""
        return self.foreign_redis or valkey.url(self.home, self.ports["redis"])


def site(
    home: Home,
    ports: Ports,
    *,
    relays: int = 1,
    workers: int = 1,
    generous: bool = False,
    conformance: bool = False,
    observe: bool = False,
) -> Site:
    """Return the stack that the environment asks for.

    Raises:
        NotForDevelopmentError: that is none for development.
        SiteError: it asks for what cannot be.
    """
    return Site(
        home=home,
        ports=ports,
        relays=relays,
        workers=workers,
        generous=generous,
        conformance=conformance,
        observe=observe,
        environment=environment.must_be_development(),
        foreign_postgres=_address(POSTGRES_URL, {"postgresql", "postgres"}),
        foreign_redis=_address(REDIS_URL, {"redis", "rediss"}),
    )


def _address(name: str, schemes: set[str]) -> str | None:
    text = os.environ.get(name) or None
    if text is not None and (urlsplit(text).scheme not in schemes or not urlsplit(text).hostname):
        raise SiteError(
            f"{name} is an address like {min(schemes)}://user:password@host:port/, and what is there is not"
        )
    return text
