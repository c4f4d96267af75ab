"""The providers of a stack, and tokens as services verify them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import httpx
import pytest
from ora.options.v1 import options_pb2 as options

from devstack.identity import providers
from devstack.identity.personas import BRIGHT_SPARKS, PERSONAS
from devstack.identity.sign_in import SignInError, refresh, sign_in
from devstack.ports import Ports
from mesh import clock
from mesh.settings import parse_issuers
from mesh.tokens import AccessTokens

if TYPE_CHECKING:
    from mesh.identity import Principal
    from tests.stack import Stack

ROLES = {
    "sparky": {options.ROLE_ELECTRICIAN},
    "boss": {options.ROLE_ORG_ADMIN, options.ROLE_ELECTRICIAN},
    "rival": {options.ROLE_ELECTRICIAN},
    "helper": {options.ROLE_SUPPORT},
    "keeper": {options.ROLE_SUPPORT},
    "homer": {options.ROLE_HOMEOWNER},
    "newcomer": {options.ROLE_HOMEOWNER},
}


async def verified(stack: Stack, token: str) -> Principal:
    """Believe a token as a service does."""
    ports = Ports(stack.running.data["ports"]["base"])
    known = parse_issuers(providers.for_services(providers.providers(ports)))
    return await AccessTokens(known, now=clock.now, monotonic=clock.monotonic).verify(token)


@pytest.mark.parametrize("persona", PERSONAS)
async def test_a_service_believes_every_persona_for_its_roles(stack: Stack, persona: str) -> None:
    person = await verified(stack, stack.tokens(persona).access_token)
    assert person.roles == ROLES[persona]
    assert person.subject == PERSONAS[persona].subject
    assert (str(person.tenant) if person.tenant else None) == PERSONAS[persona].org
    assert person.intents == ()


async def test_a_step_up_is_strong_fresh_and_carries_its_acr(stack: Stack) -> None:
    weak = await verified(stack, stack.tokens("sparky").access_token)
    strong = await verified(stack, stack.tokens("sparky", step_up=True).access_token)
    assert weak.acr == providers.ACR_LEVELS[0]
    assert strong.acr == providers.ACR_LEVELS[1]
    assert strong.auth_time is not None
    assert clock.now() - strong.auth_time < timedelta(seconds=30)


def test_an_intent_that_the_contract_does_not_know_is_refused(stack: Stack) -> None:
    with pytest.raises(SignInError, match="invalid_authorization_details"):
        stack.tokens("sparky", intent={"type": "ora_something_else"})


def test_a_person_of_one_provider_is_unknown_at_the_other(stack: Stack) -> None:
    with pytest.raises(SignInError, match="no such user"):
        sign_in(stack.running.issuer("homes"), PERSONAS["sparky"])


def test_a_refresh_token_is_good_once_and_its_reuse_ends_the_family(stack: Stack) -> None:
    issuer = stack.running.issuer("voltex")
    first = stack.tokens("boss")
    second = refresh(issuer, first.refresh_token)
    assert second.claims["org"] == BRIGHT_SPARKS
    with pytest.raises(SignInError, match="invalid_grant"):
        refresh(issuer, first.refresh_token)
    with pytest.raises(SignInError, match="invalid_grant"):
        refresh(issuer, second.refresh_token)


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"redirect_uri": "https://attacker.test/"}, "invalid_redirect_uri"),
        ({"client_id": "somebody"}, "invalid_client"),
        ({"resource": "https://other.test"}, "invalid_target"),
        ({"response_type": "token"}, "unsupported_response_type"),
    ],
)
def test_a_request_without_what_protects_it_is_refused(stack: Stack, changed: dict[str, str], error: str) -> None:
    good = {
        "client_id": providers.CLIENT_ID,
        "response_type": "code",
        "redirect_uri": providers.REDIRECT,
        "scope": "openid api",
        "resource": providers.RESOURCE,
        "code_challenge": "A" * 43,
        "code_challenge_method": "S256",
    }
    asked = {name: value for name, value in {**good, **changed}.items() if value}
    with httpx.Client(trust_env=False) as client:
        answer = client.get(f"{stack.running.issuer('voltex')}/auth", params=asked)
    said = answer.headers.get("location", "") + answer.text
    assert error in said
    assert "code=" not in answer.headers.get("location", "")


def test_the_login_page_is_for_people_too(stack: Stack) -> None:
    asked = {
        "client_id": providers.CLIENT_ID,
        "response_type": "code",
        "redirect_uri": providers.REDIRECT,
        "scope": "openid",
        "code_challenge": "A" * 43,
        "code_challenge_method": "S256",
    }
    with httpx.Client(trust_env=False, follow_redirects=True, headers={"accept": "text/html"}) as client:
        page = client.get(f"{stack.running.issuer('homes')}/auth", params=asked)
        wrong = client.post(page.url, data={"user": "homer", "password": "<script>"})
    assert page.status_code == 200
    assert "Harper Homer" in page.text
    assert wrong.status_code == 401
    assert "<script>" not in wrong.text
