"""Owns putting names to a call: the peer from its certificate, the subject from the token or the gateway's word.

It decides only whether credentials are genuine. Whether they suffice is the policy stage's question.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from mesh.errors import UnauthenticatedError
from mesh.identity import GATEWAY, ApiClient, HubIdentity, Principal, forwarded_hub, peer_workload
from mesh.interceptors.stage import Stage
from mesh.policy import Method, refuse_missing_subject
from mesh.possession import LIFETIME, Asked
from mesh.ratelimit import Limit, RateLimiter, limit_key

if TYPE_CHECKING:
    from mesh.call import Call
    from mesh.possession import Checks

XFCC: Final = "x-forwarded-client-cert"
API_TOKEN_PREFIX: Final = "orat_"  # noqa: S105 - a prefix
# How the gateway says what was asked of it, for proofs of possession.
HTTP_METHOD: Final = "x-ora-http-method"
HTTP_URL: Final = "x-ora-http-url"
_SCHEMES: Final = frozenset({"bearer", "dpop"})
_BOUND: Final = "dpop"
# Once in the time in which a proof is taken, as a limit.
_ONCE: Final = Limit(per_minute=60 / (2 * LIFETIME.total_seconds()), burst=1)


class PersonVerifier(Protocol):
    """Reads access tokens."""

    async def verify(self, token: str) -> Principal:
        """Return who the token speaks for, or raise ``UnauthenticatedError``."""


class ApiTokenVerifier(Protocol):
    """Reads tenant API tokens; the service that keeps them brings it."""

    async def verify(self, token: str) -> ApiClient:
        """Return the token's client, or raise ``UnauthenticatedError``."""


class PeerStage(Stage):
    """Names the workload at the other end. No server is without it."""

    async def admit(self, call: Call) -> None:
        """Name the peer, which is the subject too until a later stage knows better."""
        call.peer = call.subject = peer_workload(call.auth_context)


class SubjectStage(Stage):
    """Names the person, API client or Hub that the call is for."""

    def __init__(
        self, people: PersonVerifier | None, api_tokens: ApiTokenVerifier | None, limiter: RateLimiter, checks: Checks
    ) -> None:
        self._people, self._api_tokens, self._limiter, self._checks = people, api_tokens, limiter, checks

    def applies(self, method: Method) -> bool:
        """Only where the contract asks for a subject beside the workload."""
        return method.takes_people or method.takes_hubs

    async def admit(self, call: Call) -> None:
        """Name the subject by its one credential, or refuse."""
        method = call.method
        bearers, hubs = call.headers("authorization"), call.headers(XFCC)
        use_bearer, use_hub = method.takes_people and bearers, method.takes_hubs and hubs
        if bearers > 1 or hubs > 1 or (use_bearer and use_hub):
            raise UnauthenticatedError("credentials must be given once", reason="CREDENTIALS_AMBIGUOUS")
        if use_bearer:
            call.subject = await self._bearer(call)
        elif use_hub:
            call.subject = self._hub(call)
        else:
            raise refuse_missing_subject(method)

    async def _bearer(self, call: Call) -> Principal | ApiClient:
        scheme, _, token = (call.header("authorization") or "").partition(" ")
        if scheme.lower() not in _SCHEMES:
            raise UnauthenticatedError("a bearer token is needed", reason="TOKEN_INVALID")
        if self._api_tokens is not None and token.startswith(API_TOKEN_PREFIX):
            return await self._api_tokens.verify(token)
        if self._people is None:
            raise UnauthenticatedError("no issuer is configured", reason="TOKEN_INVALID")
        person = await self._people.verify(token)
        if (scheme.lower() == _BOUND) != bool(person.key_thumbprint):
            raise UnauthenticatedError("a token is shown as the issuer gave it", reason="TOKEN_INVALID")
        if person.key_thumbprint:
            await self._possession(call, person, token)
        return person

    async def _possession(self, call: Call, person: Principal, token: str) -> None:
        if call.peer is None or call.peer.name != GATEWAY or call.headers(_BOUND) != 1:
            raise UnauthenticatedError("a proof of possession is needed", reason="PROOF_INVALID")
        asked = Asked(call.header(HTTP_METHOD) or "", call.header(HTTP_URL) or "", token)
        proof_id = self._checks.check(call.header(_BOUND) or "", asked, person.key_thumbprint)
        key = limit_key("proof", person.key_thumbprint, proof_id)
        closed = call.method.policy.HasField("step_up")
        if await self._limiter.take(key, _ONCE, fail_closed=closed) is not None:
            raise UnauthenticatedError("this proof was shown before", reason="PROOF_INVALID")

    def _hub(self, call: Call) -> HubIdentity:
        hub = forwarded_hub(call.header(XFCC) or "") if call.peer and call.peer.name == GATEWAY else None
        if hub is None:
            raise UnauthenticatedError("the Hub certificate is not usable", reason="HUB_CERTIFICATE_INVALID")
        return hub
