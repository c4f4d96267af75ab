"""Owns who is calling: the workload from its certificate, the Hub from the gateway's word, and the types of both.

Tokens of people are read in ``mesh.tokens``. What these identities may do is the policy's question, not ours.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NewType

from ora.options.v1 import options_pb2

from mesh.errors import UnauthenticatedError
from mesh.ids import HubId, TenantId, parse_uuid

WorkloadName = NewType("WorkloadName", str)

TRUST_DOMAIN: Final = "spiffe://ora/"
GATEWAY: Final = WorkloadName("gateway")
_WORKLOAD: Final = re.compile(r"[a-z][a-z0-9-]{0,31}", re.ASCII)
_HUB_URI: Final = "URI=urn:uuid:"
_TLS_1_3: Final = b"TLSv1.3"


@dataclass(frozen=True, slots=True)
class Workload:
    """A service of ours, on its own account."""

    name: WorkloadName


@dataclass(frozen=True, slots=True)
class HubIdentity:
    """A Hub, by the client certificate that the gateway's Hub listener checked."""

    hub_id: HubId


@dataclass(frozen=True, slots=True)
class Anonymous:
    """Nobody that we know, on purpose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """A person, by their OIDC access token (RFC 9068)."""

    issuer: str
    subject: str
    roles: frozenset[options_pb2.Role.ValueType]
    # The installer organisation of electricians and organisation admins. None for everybody else.
    tenant: TenantId | None
    acr: str | None
    # The stronger or equal `acr` values that the issuer counts as reached by `acr`, itself included.
    acr_reached: frozenset[str]
    auth_time: datetime | None
    # RFC 9396 `authorization_details`: what this one login was made for.
    intents: tuple[Mapping[str, Any], ...]
    expires_at: datetime
    # The token's `jti`, by which one login is known to have been used. Empty: the issuer sets none.
    token_id: str = ""
    # RFC 7638 thumbprint of the key that the token is bound to (RFC 9449), which the caller has shown. Empty: unbound.
    key_thumbprint: str = ""
    # Whether its issuer binds tokens, so that a step-up without a bound one is refused.
    must_be_bound: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiClient:
    """A program of an organisation, by a scoped API token."""

    token_id: str
    tenant: TenantId
    scopes: frozenset[str]


Subject = Workload | Principal | ApiClient | HubIdentity | Anonymous


def peer_workload(auth_context: Mapping[str, Sequence[bytes]]) -> Workload:
    """Return the workload at the other end of the connection, or refuse: TLS 1.3 and exactly one SPIFFE id of ours."""
    uris = auth_context.get("peer_uri", ())
    if list(auth_context.get("ssl_tls_version", ())) != [_TLS_1_3] or len(uris) != 1:
        raise UnauthenticatedError("a mesh certificate over TLS 1.3 is needed", reason="PEER_UNKNOWN")
    uri = uris[0].decode("ascii", "replace")
    name = uri.removeprefix(TRUST_DOMAIN)
    if name == uri or not _WORKLOAD.fullmatch(name):
        raise UnauthenticatedError("the certificate names no workload of this mesh", reason="PEER_UNKNOWN")
    return Workload(WorkloadName(name))


def forwarded_hub(header: str) -> HubIdentity | None:
    """Return the Hub that Envoy's ``x-forwarded-client-cert`` names: one element, one URI, the exact spelling."""
    if "," in header or '"' in header:
        return None
    uris = [part for part in header.split(";") if part[:4].upper() == "URI="]
    if len(uris) != 1 or not uris[0].startswith(_HUB_URI):
        return None
    hub = parse_uuid(uris[0].removeprefix(_HUB_URI))
    return HubIdentity(HubId(hub)) if hub else None
