"""Owns the home that lives through the faults: one Hub, its owner's app, and what each was promised."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import httpx

from devstack.demo.scene import OWNER, Scene
from sdk.app_client import ApiError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_PAUSE: Final = 0.1
_PATIENCE: Final = 8.0
GOOD: Final = "good"


@dataclass(slots=True)
class Seen:
    """What one user saw: each answer with its time."""

    answers: list[tuple[float, str]] = field(default_factory=list)

    def note(self, answer: str) -> None:
        """Write an answer down."""
        self.answers.append((time.monotonic(), answer))

    def since(self, moment: float) -> Counter[str]:
        """Count the answers since a moment."""
        return Counter(answer for at, answer in self.answers if at >= moment)

    def without(self, since: float, until: float) -> float:
        """Return the longest time without a good answer, in seconds."""
        good = [since, *(at for at, answer in self.answers if answer == GOOD and since <= at <= until), until]
        return max(after - before for before, after in pairwise(good))

    def is_good(self, for_seconds: float) -> bool:
        """Tell whether there was nothing but good answers lately, and some."""
        lately = self.since(time.monotonic() - for_seconds)
        return lately.total() > 0 and set(lately) == {GOOD}


@dataclass(slots=True)
class Users:
    """The owner, who sends envelopes; the Hub, which renews its record; the electrician, who reads."""

    scene: Scene
    # What was told DELIVERED: message id and payload.
    delivered: dict[bytes, bytes] = field(default_factory=dict)
    # How many records the cloud said that it has.
    records: int = 0
    owner: Seen = field(default_factory=Seen)
    hub: Seen = field(default_factory=Seen)
    electrician: Seen = field(default_factory=Seen)

    async def live(self) -> None:
        """Do what users do until cancelled."""
        async with self.scene.home.app(OWNER) as app:
            number = 0

            async def send() -> str:
                nonlocal number
                number += 1
                payload = b"number %d" % number
                sent = await app.send(payload)
                if sent.outcome == "DELIVERED":
                    self.delivered[sent.message_id] = payload
                    return GOOD
                return f"{sent.outcome} {sent.reason or ''}".strip()

            async def record() -> str:
                await self.scene.home.consent(on={"RELAY"}, off=set())
                self.records += 1
                return GOOD

            tokens = self.scene.home.tokens("sparky")
            address = self.scene.stack.address("gateway", "app")
            async with httpx.AsyncClient(base_url=address, verify=self.scene.home.trust(), trust_env=False) as http:

                async def read() -> str:
                    bearer = {"authorization": f"Bearer {tokens.access_token}"}
                    answer = await http.get("/v1/projects", headers=bearer, timeout=_PATIENCE)
                    return GOOD if answer.status_code < httpx.codes.INTERNAL_SERVER_ERROR else str(answer.status_code)

                await asyncio.gather(
                    self._again(self.owner, send), self._again(self.hub, record), self._again(self.electrician, read)
                )

    @property
    def lost(self) -> list[bytes]:
        """What the Hub does not have, though its sender was told that it does."""
        return [each for each, payload in self.delivered.items() if not self.scene.has_opened(each, payload)]

    @staticmethod
    async def _again(seen: Seen, act: Callable[[], Awaitable[str]]) -> None:
        while True:
            try:
                async with asyncio.timeout(_PATIENCE):
                    seen.note(await act())
            except ApiError as error:
                seen.note(f"{error.status} {error.reason}")
            except httpx.HTTPStatusError as error:
                seen.note(str(error.response.status_code))
            except (httpx.TransportError, TimeoutError) as error:
                seen.note(type(error).__name__)
            except Exception as error:  # noqa: BLE001 - a fault may show itself in any way; it is counted by its name
                seen.note(type(error).__name__)
            await asyncio.sleep(_PAUSE)
