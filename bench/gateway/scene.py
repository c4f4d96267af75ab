"""Owns what is there while it is measured: certificates, an issuer's key, the service on a core of its own, Envoy."""

from __future__ import annotations

import json
import shutil
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Final

import httpx
from joserfc import jwt
from joserfc.jwk import ECKey

from bench.processes import Measured, load_core, server_core
from devstack.ca import DevelopmentCa
from devstack.home import Home
from gateway.render import write
from gateway.values import Address, Bucket, GatewayValues, Issuer, Limits, Listen, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

AUDIENCE: Final = "ora-api"
_OFTEN: Final = Bucket(per_second=1_000_000, burst=1_000_000)
_ROLES: Final = ("homeowner",)


@dataclass(frozen=True, slots=True)
class Scene:
    """One gateway, one service, one person's token."""

    certificates: Path
    service: Measured
    envoy: Measured
    service_port: int
    app_port: int
    token: str


@contextmanager
def scene(folder: Path, port: int) -> Iterator[Scene]:
    """Start everything on the ports from ``port`` on."""
    home = Home(folder)
    home.make()
    DevelopmentCa(home).renew()
    key = ECKey.generate_key("P-256", {"kid": "k1", "use": "sig", "alg": "ES256"})
    with _keys(key) as jwks:
        issuer = {"issuer": "https://bench.test", "audience": AUDIENCE, "jwks_uri": jwks, "roles": _ROLES}
        command = [
            sys.executable,
            "-m",
            "bench.gateway.service",
            str(home.certificates),
            str(port),
            json.dumps([issuer]),
        ]
        service = Measured(command, core=server_core(), log=folder / "service.log")
        try:
            service.await_port(port)
            values = values_of(home.certificates, port, port + 1, _issuer(jwks))
            envoy = start_envoy(folder, values)
            try:
                yield Scene(home.certificates, service, envoy, port, values.listen.app.port, _token(key))
            finally:
                envoy.stop()
        finally:
            service.stop()


def _issuer(jwks: str) -> Issuer:
    return Issuer(
        name="bench",
        issuer="https://bench.test",
        audience=AUDIENCE,
        jwks_uri=jwks,
        roles=frozenset(map(Role, _ROLES)),
    )


def values_of(certificates: Path, relay: int, port: int, issuer: Issuer) -> GatewayValues:
    """Return a gateway on three ports from ``port`` on, before what answers for the relay on the port ``relay``."""
    app, hub, admin = (Address("127.0.0.1", port + each) for each in range(3))
    return GatewayValues(
        environment="dev",
        certificates=certificates,
        listen=Listen(app=app, hub=hub, admin=admin),
        issuers=(issuer,),
        targets={"relay": (Address("127.0.0.1", relay),)},
        limits=Limits(read=_OFTEN, write=_OFTEN, sensitive=_OFTEN, expensive=_OFTEN, stream=_OFTEN),
    )


def start_envoy(folder: Path, values: GatewayValues) -> Measured:
    """Start Envoy beside the load, and return when it has found the service in health."""
    made = folder / "envoy.yaml"
    write(values, made)
    program = shutil.which("envoy", path=str(Path(sys.executable).parent)) or "envoy"
    command = [program, "-c", str(made), "--concurrency", "1", "--log-level", "warning", "--disable-hot-restart"]
    envoy = Measured(command, core=load_core(), log=folder / "envoy.log")
    envoy.await_port(values.listen.app.port)
    healthy = f"http://127.0.0.1:{values.listen.admin.port}/stats?filter=cluster.relay.membership_healthy"
    until = time.monotonic() + 20
    while not httpx.get(healthy).text.strip().endswith(": 1"):
        if time.monotonic() > until:
            raise RuntimeError("the gateway does not find the service in health")
        time.sleep(0.05)
    return envoy


def _token(key: ECKey) -> str:
    now = int(time.time())
    claims = {"iss": "https://bench.test", "aud": AUDIENCE, "sub": "person-1", "role": "homeowner"}
    times = {"iat": now, "nbf": now, "exp": now + 3000}
    return jwt.encode({"alg": "ES256", "kid": "k1", "typ": "at+jwt"}, {**claims, **times}, key)


@contextmanager
def _keys(key: ECKey) -> Iterator[str]:
    body = json.dumps({"keys": [key.as_dict(private=False)]}).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/jwks"
        server.shutdown()
