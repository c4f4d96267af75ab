"""The table of who may call what: the contract's methods, tokens good and bad for each, and a way to ask."""

from __future__ import annotations

import base64
import ssl
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, cast

import grpc
from google.protobuf.descriptor import FieldDescriptor
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from joserfc import jwt
from joserfc.jwk import ECKey
from ora.options.v1 import options_pb2 as options

from gateway.contract import Binding, Door, Method, load
from gateway.routes import takes_raw_bytes
from gateway.values import Bucket, Limits, Role
from mesh.settings import Issuer as MeshIssuer
from tests.integration.gateway import everything, pki, running, tokens
from tests.integration.gateway.api import HUB
from tests.integration.gateway.conftest import issuers, values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    import httpx

CONTRACT: Final = load()
APP: Final = [method for method in CONTRACT.methods if Door.APP in method.doors]
PEOPLE: Final = [method for method in APP if method.policy.roles]
STEP_UP: Final = [method for method in PEOPLE if method.policy.HasField("step_up")]
HUBS: Final = [method for method in CONTRACT.methods if Door.HUB in method.doors]
ANYBODY: Final = [m for m in CONTRACT.methods if m.policy.subject == options.SUBJECT_ANONYMOUS]
SCOPES: Final = sorted({scope for method in CONTRACT.methods for scope in method.policy.token_scopes})
ROLES: Final = {"electrician": "voltex", "org_admin": "voltex", "support": "voltex", "homeowner": "home"}
ACR: Final = ("urn:voltex:acr:password", "urn:voltex:acr:otp")
GENEROUS: Final = Bucket(per_second=10_000, burst=10_000)
PASSED: Final = "passed"


@dataclass(frozen=True)
class World:
    gateway: running.Running
    pki: pki.Pki
    voltex: tokens.Issuer
    home: tokens.Issuer
    services: everything.Everything

    def tls(self, certificate: Path | None = None) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.pki.folder / "edge-ca.pem"))
        if certificate is not None:
            context.load_cert_chain(certificate / "tls.crt", certificate / "tls.key")
        return context

    def issuer(self, role: str) -> tokens.Issuer:
        return self.voltex if ROLES[role] == "voltex" else self.home

    def token(self, role: str, method: Method, **more: object) -> str:
        """Return a token of this role with which nothing is wrong."""
        return self.issuer(role).token(**(good(role, method) | more))  # type: ignore[arg-type]

    def wrong(self, kind: str, method: Method) -> str:
        """Return a token with which one thing is wrong, and which would pass without that."""
        role = next(each for each in ROLES if allowed(method, each))
        issuer, now, claims = self.issuer(role), int(time.time()), good(role, method)
        other = self.home if issuer is self.voltex else self.voltex
        made: dict[str, Callable[[], str]] = {
            "none": lambda: "",
            "expired": lambda: self.token(role, method, exp=now - 90),
            "wrong audience": lambda: self.token(role, method, aud="another"),
            "wrong issuer": lambda: self.token(role, method, iss="https://evil.test"),
            "alg none": lambda: _unsigned(self.token(role, method)),
            "unknown key": lambda: _stranger(issuer.issuer, claims, {"kid": "k2"}),
            "known key id, other key": lambda: _stranger(issuer.issuer, claims, {}),
            "id token": lambda: issuer.token(header={"typ": "JWT"}, **claims),  # type: ignore[arg-type]
            "role of another issuer": lambda: other.token(**claims),  # type: ignore[arg-type]
            "no role": lambda: issuer.token(**(claims | {"role": []})),  # type: ignore[arg-type]
        }
        return made[kind]()


def _unsigned(token: str) -> str:
    _, claims, _ = token.split(".")
    head = base64.urlsafe_b64encode(b'{"alg":"none","typ":"at+jwt"}').rstrip(b"=").decode()
    return f"{head}.{claims}."


def _stranger(issuer: str, claims: Mapping[str, object], header: dict[str, str]) -> str:
    now = int(time.time())
    body = {"iss": issuer, "aud": tokens.AUDIENCE, "sub": "person-1", "iat": now, "exp": now + 600, **claims}
    key = ECKey.generate_key("P-256")
    return jwt.encode({"alg": "ES256", "kid": "k1", "typ": "at+jwt", **header}, body, key)


def allowed(method: Method, role: str) -> bool:
    return options.Role.Value(f"ROLE_{role.upper()}") in method.policy.roles


def good(role: str, method: Method) -> dict[str, object]:
    now = int(time.time())
    tenant = {"org": everything.TENANT} if role in {"electrician", "org_admin"} else {}
    login = {"acr": ACR[-1], "auth_time": now, "authorization_details": [{"type": method.policy.step_up.intent}]}
    return {"role": role, "nbf": now - 5, **tenant, **login}


@contextmanager
def world(folder: Path, *, bound: bool = False) -> Iterator[World]:
    """Run two issuers, five workloads and the gateway in front of them; ``bound``: a step-up needs a bound token."""
    certificates = pki.Pki.make(folder / "certs", ["gateway", "operator", *everything.WORKLOADS])
    limits = Limits(read=GENEROUS, write=GENEROUS, sensitive=GENEROUS, expensive=GENEROUS, stream=GENEROUS)
    with tokens.Issuer("https://voltex.test") as voltex, tokens.Issuer("https://home.test") as home:
        first, second = issuers(voltex, home)
        edge = (replace(first, roles=first.roles | {Role("support")}), second)
        inner = tuple(
            MeshIssuer(
                issuer=each.issuer,
                audience=each.audience,
                jwks_uri=each.jwks_uri,
                roles=frozenset(each.roles),
                acr_levels=ACR,
                bound_step_up=bound,
            )
            for each in edge
        )
        with everything.running(certificates.folder, inner, SCOPES) as services:
            targets = {name: [port] for name, port in services.ports.items()}
            with running.gateway(folder, values(certificates.folder, edge, targets, limits)) as gateway:
                running.await_services(gateway)
                yield World(gateway, certificates, voltex, home, services)


def address(method: Method, binding: Binding) -> str:
    """Return an address with something that fits in every place."""
    fields = {each.name: each for each in CONTRACT.messages[method.input].field}
    (first, *_) = [*binding.template.variables, ("", "")]
    is_enum = first[0] in fields and fields[first[0]].type == FieldDescriptor.TYPE_ENUM
    what = "1" if is_enum else HUB
    segments = [what if each in {"*", "**"} else each for each in binding.template.segments]
    return "/" + "/".join(segments) + (f":{binding.template.verb}" if binding.template.verb else "")


def ask(world: World, client: httpx.Client, method: Method, token: str) -> str:
    """Call each address of a method at a door of the gateway; return the one verdict."""
    (verdict,) = {_ask(world, client, method, binding, token) for binding in method.bindings}
    return verdict


def _ask(world: World, client: httpx.Client, method: Method, binding: Binding, token: str) -> str:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    body = b""
    if binding.body:
        raw = takes_raw_bytes(CONTRACT, method, binding)
        headers["content-type"] = "application/octet-stream" if raw else "application/json"
        body = b"bytes" if raw else b"{}"
    world.services.reached.clear()
    answer = client.request(binding.verb, address(method, binding), headers=headers, content=body)
    if answer.status_code == 503:
        running.await_services(world.gateway)
        answer = client.request(binding.verb, address(method, binding), headers=headers, content=body)
    if answer.status_code == 200:
        return PASSED
    document = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert not world.services.reached, f"{method.full_name} was handled, and then refused: {answer.text}"
    if answer.status_code == 401:
        assert answer.headers["www-authenticate"].startswith('Bearer realm="ora"')
    return _verdict(document["reason"])


def ask_mesh(channel: grpc.Channel, method: Method, metadata: Mapping[str, str]) -> str:
    """Call a method as the gateway does; return the verdict."""
    path, given = f"/{method.service}/{method.name}", tuple(metadata.items())
    try:
        _call(channel, method, path, given)
    except grpc.RpcError as error:
        return _refusal(error)
    return PASSED


def _call(channel: grpc.Channel, method: Method, path: str, metadata: tuple[tuple[str, str], ...]) -> None:
    if method.streams_in:
        channel.stream_unary(path, bytes)(iter([b""]), timeout=10, metadata=metadata)
    elif method.streams_out:
        list(channel.unary_stream(path, bytes)(b"", timeout=10, metadata=metadata))
    else:
        channel.unary_unary(path, bytes)(b"", timeout=10, metadata=metadata)


def _refusal(error: grpc.RpcError) -> str:
    status, info = rpc_status.from_call(cast("grpc.Call", error)), error_details_pb2.ErrorInfo()
    assert status is not None, error
    assert status.details[0].Unpack(info)
    return _verdict(info.reason)


def _verdict(reason: str) -> str:
    # Whoever is told what is wrong with the request has passed: that comes after.
    return PASSED if reason == "INVALID_ARGUMENT" else reason
