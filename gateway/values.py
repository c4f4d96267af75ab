"""Owns what differs between one gateway and another: addresses, certificates, issuers, limits. Knows no Envoy."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NewType
from urllib.parse import urlsplit

Role = NewType("Role", str)
ROLES: Final = frozenset(map(Role, ("electrician", "org_admin", "homeowner", "support")))
ENVIRONMENTS: Final = frozenset({"dev", "staging", "production"})
_TOP_PORT: Final = 65535


class ValuesError(ValueError):
    """The values are wrong; ``problems`` has every reason."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Address:
    """A host (an IP address or a name) and a port."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read ``host:port`` or ``[v6]:port``."""
        host, _, port = text.rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        if not host or not port.isdecimal() or not 0 < int(port) <= _TOP_PORT:
            raise ValueError(f"not a host:port: {text!r}")
        return cls(host, int(port))

    @property
    def is_ip(self) -> bool:
        """Tell whether the host needs no name service."""
        try:
            ipaddress.ip_address(self.host)
        except ValueError:
            return False
        return True

    @property
    def is_loopback(self) -> bool:
        """Tell whether only this machine can reach it."""
        return self.is_ip and ipaddress.ip_address(self.host).is_loopback


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """Who may vouch for people, and for which roles."""

    name: str
    issuer: str
    audience: str
    jwks_uri: str
    roles: frozenset[Role]
    # The CA bundle that signs the issuer's own certificate; needed where `jwks_uri` is https.
    ca_file: Path | None = None

    @property
    def address(self) -> Address:
        """Return where its keys are fetched."""
        url = urlsplit(self.jwks_uri)
        return Address(url.hostname or "", url.port or (443 if self.is_tls else 80))

    @property
    def is_tls(self) -> bool:
        """Tell whether its keys come over TLS."""
        return urlsplit(self.jwks_uri).scheme == "https"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listen:
    """Where the gateway listens. No address for backups or metrics: no such listener."""

    app: Address
    hub: Address
    admin: Address
    backup: Address | None = None
    # Plain HTTP with `/metrics`, `/readyz` and `/livez`, for the network of whoever watches.
    metrics: Address | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """A token bucket: so many calls a second, and so many at once."""

    per_second: int
    burst: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The edge's own limits: for each rate class, on one route by one network address, and on one route by all."""

    read: Bucket = Bucket(per_second=50, burst=100)
    write: Bucket = Bucket(per_second=30, burst=60)
    sensitive: Bucket = Bucket(per_second=2, burst=10)
    expensive: Bucket = Bucket(per_second=5, burst=10)
    stream: Bucket = Bucket(per_second=5, burst=20)
    # What one route takes of all addresses together, as a multiple of what it takes of one.
    all_addresses: int = 200
    # Of how many addresses each route keeps count; the one seen longest ago is forgotten first.
    addresses: int = 20_000
    connections: int = 50_000
    heap_bytes: int = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayValues:
    """Everything that ``render`` needs beside the contract."""

    environment: str
    certificates: Path
    listen: Listen
    issuers: tuple[Issuer, ...]
    targets: Mapping[str, tuple[Address, ...]]
    limits: Limits = field(default_factory=Limits)
    node: str = "gateway-1"
    # How old an issuer's keys get. A key that appears is known after this time, whatever tokens arrive meanwhile.
    keys_seconds: int = 60
    # Proxies of ours in front, whose X-Forwarded-For is believed.
    trusted_hops: int = 0
    cors_origins: tuple[str, ...] = ()
    # How many requests of all begin a trace that is sampled, 0 to 1.
    trace_ratio: float = 0.01
    # Where the address of a problem's documentation begins (RFC 9457 `type`).
    problem_base: str = "https://docs.ora.test/problems/"

    def __post_init__(self) -> None:
        """Refuse values that cannot be served, with every reason at once."""
        problems = list(_problems(self))
        if problems:
            raise ValuesError(problems)


def _problems(values: GatewayValues) -> list[str]:
    found = []
    if values.environment not in ENVIRONMENTS:
        found.append(f"environment: {values.environment!r} is none of {', '.join(sorted(ENVIRONMENTS))}")
    if not values.certificates.is_absolute():
        found.append("certificates: not an absolute path")
    if not 0 <= values.trace_ratio <= 1:
        found.append("trace_ratio: not between 0 and 1")
    if not values.listen.admin.is_loopback:
        found.append("listen.admin: not a loopback address")
    names = [issuer.name for issuer in values.issuers]
    if not names or len(set(names)) != len(names):
        found.append("issuers: none, or two of one name")
    for issuer in values.issuers:
        found += [f"issuers.{issuer.name}: {problem}" for problem in _issuer_problems(issuer, values.environment)]
    found += [f"targets.{name}: empty" for name, addresses in values.targets.items() if not addresses]
    return found


def _issuer_problems(issuer: Issuer, environment: str) -> list[str]:
    found = []
    if not issuer.name.isidentifier():
        found.append("name: letters, digits and underscores only")
    if not issuer.issuer or not issuer.audience:
        found.append("issuer and audience are needed")
    if not issuer.roles or not issuer.roles <= ROLES:
        found.append(f"roles: some of {', '.join(sorted(ROLES))}")
    if not issuer.address.host or urlsplit(issuer.jwks_uri).scheme not in {"http", "https"}:
        found.append("jwks_uri: not an address")
    elif not issuer.is_tls and environment != "dev":
        found.append("jwks_uri: plain http is for dev alone")
    elif issuer.is_tls and issuer.ca_file is None:
        found.append("ca_file: needed, because jwks_uri is https")
    return found
