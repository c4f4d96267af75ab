"""Owns what a running stack tells the other commands: one JSON file, written by the supervisor at each change."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from devstack.databases import Databases
from devstack.home import read_json, write_private
from devstack.identity import providers
from devstack.running import control

if TYPE_CHECKING:
    from devstack.home import Home
    from devstack.running.supervisor import Supervisor
    from devstack.site import Site

STARTING: Final = "starting"
READY: Final = "ready"
STOPPING: Final = "stopping"


class NoStackError(Exception):
    """Nothing runs from this state folder."""


@dataclass(frozen=True, slots=True)
class Running:
    """A stack that runs, as another process sees it."""

    data: dict[str, Any]
    token: str

    @property
    def ready(self) -> bool:
        """Whether everything answered once."""
        return bool(self.data["phase"] == READY)

    def address(self, component: str, use: str) -> str:
        """Return one address of one component."""
        found: str = self.data["components"][component]["addresses"][use]
        return found

    def file(self, name: str) -> str:
        """Return the path of one file that a client needs."""
        found: str = self.data["files"][name]
        return found

    def issuer(self, provider: str) -> str:
        """Return the issuer of one provider."""
        found: str = self.data["issuers"][provider]
        return found

    def ask(self, order: str, name: str = "") -> None:
        """Give the supervisor an order, and wait until it is done."""
        control.ask(self.data["ports"]["control"], self.token, order, name)


class Reporter:
    """Writes the state of one stack."""

    def __init__(self, site: Site, token: str, services: tuple[str, ...]) -> None:
        self._site, self._token, self._services = site, token, services
        self.phase = STARTING
        self._started_at = time.time()

    def write(self, supervisor: Supervisor) -> None:
        """Replace the file."""
        write_private(self._site.home.state, json.dumps(self._describe(supervisor), indent=1))

    def _describe(self, supervisor: Supervisor) -> dict[str, Any]:
        home, site = self._site.home, self._site
        certificates = home.certificates
        return {
            "phase": self.phase,
            "pid": os.getpid(),
            "started_at": self._started_at,
            "home": str(home.path),
            "environment": site.environment,
            "token": self._token,
            "ports": {"base": site.ports.base, "control": site.ports["control"]},
            "components": {name: self._component(supervisor, name) for name in supervisor.components},
            "issuers": {each.name: each.issuer for each in providers.providers(site.ports)},
            "databases": self._databases() if "postgres" in supervisor.components or site.foreign_postgres else {},
            "redis": site.redis,
            "files": {
                "certificates": str(certificates),
                "edge_ca": str(certificates / "edge-ca.pem"),
                "mesh_ca": str(certificates / "mesh-ca.pem"),
                "hub_ca": str(certificates / "hub-ca.pem"),
                "hub_crl": str(certificates / "hub-crl.pem"),
                "logs": str(home.logs),
            },
        }

    def _databases(self) -> dict[str, str]:
        databases = Databases(self._site.home, self._site.admin_database, self._services)
        roles = [role for each in self._services for role in (f"{each}_owner", f"{each}_service")]
        return {"admin": databases.admin_url(), **{role: databases.url(role) for role in roles}}

    def _component(self, supervisor: Supervisor, name: str) -> dict[str, Any]:
        process = supervisor.processes.get(name)
        return {
            "state": supervisor.condition(name),
            "pid": None if process is None or process.returncode is not None else process.pid,
            "addresses": dict(supervisor.components[name].addresses),
            "log": str(self._site.home.logs / f"{name}.log"),
        }


def find(home: Home) -> Running:
    """Return the stack that runs from this folder.

    Raises:
        NoStackError: none does.
    """
    data = read_json(home.state)
    if data is None:
        raise NoStackError(f"no stack runs from {home.path}; `ora up` starts one")
    token = str(data.pop("token"))
    try:
        control.ask(data["ports"]["control"], token, "ping", seconds=10)
    except (control.NotRunningError, control.RefusedError) as error:
        raise NoStackError(f"the stack of {home.path} does not run any more; `ora up` starts it again") from error
    return Running(data, token)
