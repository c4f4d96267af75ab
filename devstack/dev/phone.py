"""Owns a persona's app at the API's door: its session's token, a login of its own for each step-up, REST and bytes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from devstack.identity.personas import PERSONAS
from devstack.identity.sign_in import Wish, sign_in
from sdk.audit import person_digest

if TYPE_CHECKING:
    import httpx

    from devstack.state import Running

_OK: Final = 200


class AnswerError(Exception):
    """The API said no."""

    def __init__(self, status: int, reason: str, headers: dict[str, str]) -> None:
        super().__init__(f"{status} {reason}")
        self.status, self.reason, self.headers = status, reason, headers


class Phone:
    """A persona's app: its session's token, and a login of its own for each step-up."""

    def __init__(self, stack: Running, http: httpx.AsyncClient, persona: str) -> None:
        self.who, self._http = PERSONAS[persona], http
        self._issuer = stack.issuer(self.who.provider)
        self._token = ""

    @property
    def digest(self) -> bytes:
        """What stands for the person at the portal."""
        return person_digest(self._issuer, self.who.subject)

    async def get(self, path: str) -> dict[str, Any]:
        """Read."""
        return await self._ask("GET", path, None, await self._session())

    async def post(self, path: str, body: dict[str, Any], intent: dict[str, str | int] | None = None) -> dict[str, Any]:
        """Act; with ``intent`` by a fresh, strong login that is made for just this."""
        if intent is None:
            return await self._ask("POST", path, body, await self._session())
        wish = Wish(step_up=True, intent=intent)
        fresh = await asyncio.to_thread(sign_in, self._issuer, self.who, wish)
        return await self._ask("POST", path, body, fresh.access_token)

    async def put(self, path: str, content: bytes) -> dict[str, Any]:
        """Send bytes."""
        headers = {"authorization": f"Bearer {await self._session()}", "content-type": "application/octet-stream"}
        answer = await self._http.post(f"/v1/{path}", content=content, headers=headers)
        loaded: dict[str, Any] = answer.json()
        if answer.status_code != _OK:
            raise AnswerError(answer.status_code, loaded.get("reason", ""), dict(answer.headers))
        return loaded

    async def fetch(self, path: str) -> bytes:
        """Fetch bytes."""
        headers = {"authorization": f"Bearer {await self._session()}"}
        answer = await self._http.get(f"/v1/{path}", headers=headers)
        if answer.status_code != _OK:
            raise AnswerError(answer.status_code, answer.json().get("reason", ""), dict(answer.headers))
        return answer.content

    async def _session(self) -> str:
        if not self._token:
            self._token = (await asyncio.to_thread(sign_in, self._issuer, self.who)).access_token
        return self._token

    async def _ask(self, method: str, path: str, body: dict[str, Any] | None, token: str) -> dict[str, Any]:
        headers = {"authorization": f"Bearer {token}"}
        answer = await self._http.request(method, f"/v1/{path}", json=body, headers=headers)
        loaded: dict[str, Any] = answer.json()
        if answer.status_code != _OK:
            raise AnswerError(answer.status_code, loaded.get("reason", ""), dict(answer.headers))
        return loaded
