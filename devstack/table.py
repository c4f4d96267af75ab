"""Owns the table of everything that a stack runs, in what order, and how each part learns of the others."""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from devstack import environment, fleet_keys, observing, postgres, signing_keys, valkey
from devstack.ca import DevelopmentCa
from devstack.databases import Databases
from devstack.home import write_private
from devstack.identity import providers
from devstack.ports import LOOPBACK, RELAY_PORTS
from devstack.running.component import Component, Job, Step
from devstack.running.probes import All, GrpcHealth, Http, Tls, Upstreams

if TYPE_CHECKING:
    from collections.abc import Callable

    from devstack.site import Site

# The services with a schema: its name, and the package whose migrations make it.
SERVICES: Final = {"fleet": "fleet_svc", "portal": "portal_svc", "ingest": "ingest_svc", "backup": "backup_svc"}
_OPERATOR: Final = "operator"
_GENEROUS_SERVICES: Final = json.dumps(
    {
        **{each: {"per_minute": 600_000, "burst": 10_000} for each in ("write", "sensitive", "expensive")},
        "streams": 1000,
    }
)
_ENVOY: Final = (
    *("--concurrency", "1", "--log-level", "warning", "--disable-hot-restart"),
    *("--file-flush-interval-msec", "200"),  # the log is read while it runs
    *("--drain-time-s", "10"),
)
_GENEROUS_GATEWAY: Final = {
    each: {"per_second": 10_000, "burst": 10_000} for each in ("read", "write", "sensitive", "expensive", "stream")
}


def table(site: Site) -> list[Step]:
    """Return every step of the start."""
    databases = Databases(site.home, site.admin_database, tuple(SERVICES))
    from devstack.intents import intents  # noqa: PLC0415 - parsing the descriptors is not free

    known = providers.providers(site.ports)
    steps: list[Step] = [
        _certificates(site),
        *_servers(site),
        databases.roles_job(() if site.foreign_postgres else ("postgres",)),
        *(databases.migration_job(service, package) for service, package in SERVICES.items()),
        *(providers.component(site.home, site.ports, each, intents()) for each in known),
        _fleet_keys(site),
        fleet(site, databases.url("fleet_service")),
        _portal_keys(site),
        portal(site, databases.url("portal_service")),
        ingest(site, databases.url("ingest_service")),
        backup(site, databases.url("backup_service")),
        *(relay(site, name) for name in _relays(site)),
        *([conformance(site)] if site.conformance else []),
        *gateway(site),
        api_page(site),
    ]
    if site.observe:
        steps += observing.observers(site, [each for each in steps if isinstance(each, Component)])
    return steps


def _relays(site: Site) -> list[str]:
    return [f"relay-{number}" for number in range(1, site.relays + 1)]


def _workers(site: Site, name: str) -> list[str]:
    """Return whose ports the workers of a relay have: the first its own, the others those of relays not there."""
    first = int(name.rpartition("-")[2])
    return [f"relay-{first + number * site.relays}" for number in range(site.workers)]


def _certificates(site: Site) -> Job:
    async def make(say: Callable[[str], None]) -> None:
        written = await asyncio.to_thread(lambda: DevelopmentCa(site.home).renew())
        say(f"made {', '.join(written)}" if written else "all are good for more than ten days")

    return Job(name="certificates", work=make)


def _servers(site: Site) -> list[Step]:
    own: list[Step] = []
    if site.foreign_postgres is None:
        own += [postgres.data_folder(site.home), postgres.component(site.home, site.ports["postgres"])]
    if site.foreign_redis is None:
        own.append(valkey.component(site.home, site.ports["redis"]))
    return own


def _common(site: Site, name: str, use: str) -> dict[str, str]:
    return {
        "ORA_ENVIRONMENT": site.environment,
        "ORA_NODE_ID": name,
        "ORA_CERT_DIR": str(site.home.certificates),
        "ORA_GRPC_LISTEN": site.ports.address(f"{use}.grpc"),
        "ORA_METRICS_LISTEN": site.ports.address(f"{use}.metrics"),
        "ORA_OIDC_ISSUERS": providers.for_services(providers.providers(site.ports)),
        "ORA_REDIS_URL": site.redis,
        "ORA_LOG_FORMAT": "console",
        **({"ORA_RATE_LIMITS": _GENEROUS_SERVICES} if site.generous else {}),
    }


def _health(site: Site, workload: str, use: str) -> GrpcHealth:
    return GrpcHealth(site.ports.address(f"{use}.grpc"), workload, site.home.certificates, _OPERATOR)


def _addresses(site: Site, use: str, *what: str) -> dict[str, str]:
    return {each: site.ports.address(f"{use}.{each}") for each in what}


def fleet(site: Site, database_url: str) -> Component:
    """Return the Hub registry."""
    return Component(
        name="fleet",
        argv=(sys.executable, "-m", "fleet_svc"),
        env={
            **_common(site, "fleet-1", "fleet"),
            "ORA_DATABASE_URL": database_url,
            "ORA_FLEET_AUTHORITY_CHAIN": str(site.home.authorities / "hub.crt"),
            "ORA_FLEET_AUTHORITY_KEY": str(site.home.authorities / "hub.key"),
            **fleet_keys.environment(site.home.path / "fleet-keys"),
        },
        ready=_health(site, "fleet", "fleet"),
        after=("certificates", "fleet-keys", "migrate-fleet", *(() if site.foreign_redis else ("valkey",))),
        addresses=_addresses(site, "fleet", "grpc", "metrics"),
    )


def _fleet_keys(site: Site) -> Job:
    async def make(say: Callable[[str], None]) -> None:
        made = await asyncio.to_thread(fleet_keys.make, site.home.path / "fleet-keys")
        say(f"made {', '.join(made)}" if made else "all are there")

    return Job(name="fleet-keys", work=make)


def _portal_keys(site: Site) -> Job:
    folder = site.home.path / "portal-keys"

    async def make(say: Callable[[str], None]) -> None:
        made = signing_keys.make(folder, site.home.path / "portal-root")
        say(f"made {', '.join(made)}" if made else "all are there")

    return Job(name="portal-keys", work=make)


def portal(site: Site, database_url: str) -> Component:
    """Return the installers' portal; Voltex ID is its register of licences too."""
    voltex = next(each for each in providers.providers(site.ports) if each.name == "voltex")
    return Component(
        name="portal",
        argv=(sys.executable, "-m", "portal_svc"),
        env={
            **_common(site, "portal-1", "portal"),
            "ORA_DATABASE_URL": database_url,
            "ORA_FLEET_TARGET": site.ports.address("fleet.grpc"),
            "ORA_KMS_FOLDER": str(site.home.path / "portal-kms"),
            "ORA_OBJECT_STORE": f"file:{site.home.path / 'portal-objects'}",
            "ORA_PORTAL_SIGNING_FOLDER": str(site.home.path / "portal-keys"),
            # A developer sees the end of a handover at once, not within the day.
            "ORA_PORTAL_STRIP_SECONDS": "3",
            "ORA_PORTAL_LICENSE_REGISTER": f"{voltex.issuer}/register/licences",
        },
        ready=_health(site, "portal", "portal"),
        after=("certificates", "portal-keys", "migrate-portal", "fleet", "voltex"),
        addresses=_addresses(site, "portal", "grpc", "metrics"),
    )


def ingest(site: Site, database_url: str) -> Component:
    """Return what takes the health telemetry of Hubs."""
    return Component(
        name="ingest",
        argv=(sys.executable, "-m", "ingest_svc"),
        env={
            **_common(site, "ingest-1", "ingest"),
            "ORA_DATABASE_URL": database_url,
            "ORA_FLEET_TARGET": site.ports.address("fleet.grpc"),
            "ORA_PAGE_KEYS": hashlib.sha256(site.home.secret("ingest-pages").encode()).hexdigest(),
        },
        ready=_health(site, "ingest", "ingest"),
        after=("certificates", "migrate-ingest", "fleet"),
        addresses=_addresses(site, "ingest", "grpc", "metrics"),
    )


def backup(site: Site, database_url: str) -> Component:
    """Return the keeper of sealed backups."""
    return Component(
        name="backup",
        argv=(sys.executable, "-m", "backup_svc"),
        env={
            **_common(site, "backup-1", "backup"),
            "ORA_DATABASE_URL": database_url,
            "ORA_FLEET_TARGET": site.ports.address("fleet.grpc"),
            "ORA_OBJECT_STORE": f"file:{site.home.path / 'backup-objects'}",
            "ORA_KMS_FOLDER": str(site.home.path / "kms"),
        },
        ready=_health(site, "backup", "backup"),
        after=("certificates", "migrate-backup", "fleet"),
        addresses=_addresses(site, "backup", "grpc", "metrics"),
    )


def relay(site: Site, name: str) -> Component:
    """Return one node of the relay."""
    listens = Tls(LOOPBACK, site.ports[f"{name}.mqtt"], site.home.certificates / "edge-ca.pem", "mqtt.ora.test")
    workers = _workers(site, name)
    own = _addresses(site, name, "mqtt", "grpc", "metrics")
    for number, each in enumerate(workers[1:], 1):
        own |= {f"{use}.{number}": address for use, address in _addresses(site, each, "grpc", "metrics").items()}
    return Component(
        name=name,
        argv=(sys.executable, "-m", "relay"),
        env={
            **_common(site, name, name),
            "ORA_RELAY_WORKERS": str(site.workers),
            "ORA_RELAY_WORKER_PORT_STEP": str(RELAY_PORTS * site.relays),
            "ORA_MQTT_LISTEN": site.ports.address(f"{name}.mqtt"),
            "ORA_RELAY_LINK_ADDRESS": site.ports.address(f"{name}.grpc"),
            "ORA_RELAY_SERVER_REFERENCE": " ".join(
                site.ports.address(f"{other}.mqtt") for other in _relays(site) if other != name
            ),
            "ORA_FLEET_TARGET": site.ports.address("fleet.grpc"),
            "ORA_INGEST_TARGET": site.ports.address("ingest.grpc"),
        },
        ready=All((*(_health(site, "relay", each) for each in workers), listens)),
        after=("fleet",),
        addresses=own,
    )


def conformance(site: Site) -> Component:
    """Return the general MQTT broker for conformance suites: the relay's core with an open policy."""
    doors = {use: site.ports.address(f"conformance.{use}") for use in ("mqtt", "mqtts")}
    return Component(
        name="conformance",
        argv=(sys.executable, "-m", "relay.broker"),
        env={
            "ORA_ENVIRONMENT": "dev",
            "ORA_CERT_DIR": str(site.home.certificates),
            "ORA_LOG_FORMAT": "console",
            "ORA_CONFORMANCE_LISTEN": doors["mqtt"],
            "ORA_CONFORMANCE_TLS_LISTEN": doors["mqtts"],
        },
        ready=Tls(LOOPBACK, site.ports["conformance.mqtts"], site.home.certificates / "edge-ca.pem", "mqtt.ora.test"),
        after=("certificates",),
        addresses=doors,
    )


def gateway(site: Site) -> tuple[Job, Component]:
    """Return the making of Envoy's configuration, and Envoy."""
    values = site.home.run / "gateway.json"
    made = site.home.run / "envoy.yaml"

    async def configure(say: Callable[[str], None]) -> None:
        from gateway import render, values_file  # noqa: PLC0415 - only when it is its turn

        write_private(values, json.dumps(gateway_values(site), indent=1))
        await asyncio.to_thread(lambda: render.write(values_file.read(values), made))
        say(f"wrote {made}")

    program = shutil.which("envoy", path=str(Path(sys.executable).parent)) or "envoy"
    component = Component(
        name="gateway",
        argv=(program, "-c", str(made), *_ENVOY),
        ready=All((Http(LOOPBACK, site.ports["gateway.admin"], "/ready"), _upstreams(site))),
        after=("gateway-config", "voltex", "homes", "fleet", "portal", "ingest", "backup", *_relays(site)),
        addresses={
            "app": f"https://localhost:{site.ports['gateway.app']}",
            "hub": f"https://localhost:{site.ports['gateway.hub']}",
            "backup": f"https://localhost:{site.ports['gateway.backup']}",
            "admin": f"http://{site.ports.address('gateway.admin')}",
            "metrics": site.ports.address("gateway.metrics"),
        },
    )
    return Job(name="gateway-config", work=configure, after=("certificates",)), component


def _upstreams(site: Site) -> Upstreams:
    return Upstreams(Http(LOOPBACK, site.ports["gateway.admin"], "/stats?filter=membership_healthy"))


def api_page(site: Site) -> Component:
    """Return the page on which the REST API is read and tried."""
    app = f"https://localhost:{site.ports['gateway.app']}"
    return Component(
        name="api-page",
        argv=(sys.executable, "-m", "devstack.api_page", str(site.ports["api-page"]), app),
        ready=Http(LOOPBACK, site.ports["api-page"], "/"),
        addresses={"http": f"http://{site.ports.address('api-page')}"},
    )


def gateway_values(site: Site) -> dict[str, object]:
    """Return what the gateway's generator wants to know."""
    return {
        "environment": site.environment,
        "certificates": str(site.home.certificates),
        "listen": {
            each: site.ports.address(f"gateway.{each}") for each in ("app", "hub", "backup", "admin", "metrics")
        },
        "issuers": [
            {
                "name": each.name,
                "issuer": each.issuer,
                "audience": providers.AUDIENCE,
                "jwks_uri": each.jwks_uri,
                "roles": each.roles,
            }
            for each in providers.providers(site.ports)
        ],
        "targets": {
            "fleet": [site.ports.address("fleet.grpc")],
            "portal": [site.ports.address("portal.grpc")],
            "ingest": [site.ports.address("ingest.grpc")],
            "backup": [site.ports.address("backup.grpc")],
            "relay": [
                site.ports.address(f"{worker}.grpc") for name in _relays(site) for worker in _workers(site, name)
            ],
        },
        "limits": _GENEROUS_GATEWAY if site.generous else {},
        "cors_origins": [f"http://{site.ports.address('api-page')}"],
        **environment.tracing(),
    }
