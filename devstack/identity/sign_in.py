"""Owns signing in as a persona, the way an app does: code flow with PKCE, the login form, the token request.

Knows the providers by their discovery documents alone, so it works with any that has the same login form.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx

from devstack.identity.holder import Holder
from devstack.identity.personas import OTP, PASSWORD
from devstack.identity.providers import ACR_LEVELS, CLIENT_ID, REDIRECT, RESOURCE

if TYPE_CHECKING:
    from devstack.identity.personas import Persona

_STEPS: Final = 12
_FOUND: Final = frozenset({302, 303, 307, 308})


class SignInError(Exception):
    """The provider did not give a token; the message has its own words."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a provider gave."""

    access_token: str
    id_token: str
    refresh_token: str

    def __repr__(self) -> str:
        return "Tokens(***)"

    @property
    def claims(self) -> dict[str, Any]:
        """Return what the access token says. Nothing is verified here."""
        body = self.access_token.split(".")[1]
        loaded: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        return loaded


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the token is wanted for."""

    # A login with the second factor, made now.
    step_up: bool = False
    # RFC 9396 `authorization_details`, one element; its `type` is the contract's intent.
    intent: Mapping[str, str | int] | None = None
    # A key of the app's, to which the token is bound (RFC 9449).
    holder: Holder | None = None

    def proof(self, method: str, url: str) -> dict[str, str]:
        """Return the header that shows the key, if there is one."""
        return {"dpop": self.holder.proof(method, url)} if self.holder else {}

    def parameters(self) -> dict[str, str]:
        """Return what is added to the authorization request."""
        added = {"acr_values": ACR_LEVELS[-1], "max_age": "0"} if self.step_up else {}
        return added | ({"authorization_details": json.dumps([dict(self.intent)])} if self.intent else {})


def sign_in(issuer: str, persona: Persona, wish: Wish | None = None) -> Tokens:
    """Return tokens for the API, by a login of its own."""
    wish = wish or Wish()
    verifier, state = secrets.token_urlsafe(48), secrets.token_urlsafe(16)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    asked = {
        "client_id": CLIENT_ID,
        "response_type": "code",
        "redirect_uri": REDIRECT,
        "scope": "openid profile offline_access api",
        "prompt": "consent",
        "resource": RESOURCE,
        "state": state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        **wish.parameters(),
    }
    with _client() as client:
        known = _json(client.get(f"{issuer}/.well-known/openid-configuration"))
        code = _authorise(client, known["authorization_endpoint"], asked, _form(persona, strong=wish.step_up))
        answer = client.post(
            known["token_endpoint"],
            data={
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": REDIRECT,
                "client_id": CLIENT_ID,
                "code_verifier": verifier,
                "resource": RESOURCE,
            },
            headers=wish.proof("POST", known["token_endpoint"]),
        )
        return _tokens(_json(answer))


def refresh(issuer: str, refresh_token: str) -> Tokens:
    """Return new tokens for an old refresh token, which ends with this."""
    with _client() as client:
        known = _json(client.get(f"{issuer}/.well-known/openid-configuration"))
        asked = {"grant_type": "refresh_token", "refresh_token": refresh_token, "client_id": CLIENT_ID}
        return _tokens(_json(client.post(known["token_endpoint"], data={**asked, "resource": RESOURCE})))


def _client() -> httpx.Client:
    # Providers are on this machine: a proxy of the environment has no part in it.
    return httpx.Client(timeout=10, headers={"accept": "application/json"}, trust_env=False)


def _form(persona: Persona, *, strong: bool) -> dict[str, str]:
    return {"user": persona.name, "password": PASSWORD} | ({"otp": OTP} if strong else {})


def _authorise(client: httpx.Client, endpoint: str, asked: dict[str, str], form: dict[str, str]) -> str:
    answer = client.get(endpoint, params=asked)
    for _ in range(_STEPS):
        if answer.status_code not in _FOUND:
            raise SignInError(_words(answer))
        there = urljoin(str(answer.url), answer.headers["location"])
        if there.startswith(REDIRECT):
            return _code(there, asked["state"])
        answer = client.post(there, data=form) if "/login/" in there else client.get(there)
    raise SignInError("the provider goes in circles")


def _code(address: str, state: str) -> str:
    given = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    if "error" in given:
        raise SignInError(f"{given['error']}: {given.get('error_description', '')}")
    if given.get("state") != state:
        raise SignInError("the answer belongs to another request")
    return given["code"]


def _tokens(given: dict[str, Any]) -> Tokens:
    return Tokens(given["access_token"], given.get("id_token", ""), given.get("refresh_token", ""))


def _json(answer: httpx.Response) -> dict[str, Any]:
    if answer.status_code != httpx.codes.OK:
        raise SignInError(_words(answer))
    loaded: dict[str, Any] = answer.json()
    return loaded


def _words(answer: httpx.Response) -> str:
    try:
        said = answer.json()
        return f"{said.get('error', answer.status_code)}: {said.get('error_description', '')}".strip(": ")
    except ValueError:
        return f"{answer.status_code} from {answer.url.path}"
