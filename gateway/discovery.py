"""Owns asking an issuer where its keys are (OIDC Discovery), once, when the configuration is made. Knows no Envoy."""

from __future__ import annotations

import json
import ssl
import time
from typing import TYPE_CHECKING, Any, Final

import httpx

from gateway.values import ValuesError

if TYPE_CHECKING:
    from collections.abc import Mapping

_PATH: Final = "/.well-known/openid-configuration"
_TRIES: Final = 10
_PAUSE_SECONDS: Final = 1.0
_LARGEST: Final = 1 << 18


def jwks_uri(issuer: Mapping[str, Any], *, tries: int = _TRIES, pause: float = _PAUSE_SECONDS) -> str:
    """Return where the keys of an issuer are: as its values say, else as its discovery document says."""
    if issuer.get("jwks_uri"):
        return str(issuer["jwks_uri"])
    for _ in range(tries - 1):
        try:
            return _ask(issuer)
        except httpx.HTTPError:  # it may be starting, as we are
            time.sleep(pause)
    try:
        return _ask(issuer)
    except httpx.HTTPError as error:
        raise ValuesError([f"issuers.{issuer.get('name')}: no discovery document ({type(error).__name__})"]) from error


def _ask(issuer: Mapping[str, Any]) -> str:
    name = str(issuer.get("issuer", ""))
    trust = ssl.create_default_context(cafile=issuer.get("ca_file"))
    with (
        httpx.Client(verify=trust, timeout=3, follow_redirects=False, trust_env=False) as client,
        client.stream("GET", name.rstrip("/") + _PATH) as answer,
    ):
        answer.raise_for_status()
        body = b""
        for piece in answer.iter_bytes():
            body += piece
            if len(body) > _LARGEST:
                break
    return _read(name, body)


def _read(name: str, body: bytes) -> str:
    try:
        document = json.loads(body)
        same, found = document["issuer"] == name, str(document["jwks_uri"])
    except (ValueError, KeyError, TypeError):
        same, found = False, ""
    # A document that came over TLS does not send us to keys that come without.
    if not same or not found.startswith(name.partition("//")[0] + "//"):
        raise ValuesError([f"issuers: the discovery document of {name} is not its own"])
    return found
