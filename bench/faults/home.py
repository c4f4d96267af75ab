"""Owns the users that live through the faults: an owner, a Hub, an electrician; and what each was promised."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from itertools import count, pairwise
from typing import TYPE_CHECKING, Any, Final

import httpx

from bench.faults.backups import GOOD, Keeper
from devstack.demo.scene import OWNER, Scene
from hubsim.backup import BackupRefusedError
from hubsim.records import RecordRefusedError
from hubsim.wire import Capability
from sdk.app_client import ApiError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_PAUSE: Final = 0.1
_PATIENCE: Final = 8.0
CONSENT: Final = (Capability.RELAY, Capability.TELEMETRY, Capability.BACKUP)


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
    """The owner, who sends envelopes; the Hub, which renews its record and backs up; the electrician, who reads."""

    scene: Scene
    keeper: Keeper
    owner: Seen = field(default_factory=Seen)
    hub: Seen = field(default_factory=Seen)
    backup: Seen = field(default_factory=Seen)
    electrician: Seen = field(default_factory=Seen)
    # What was told DELIVERED: message id and payload.
    _delivered: dict[bytes, bytes] = field(default_factory=dict)
    # The newest record that the cloud said that it has, and how often it had forgotten one later.
    _record: int = 0
    _forgotten: int = 0

    @property
    def everybody(self) -> dict[str, Seen]:
        """Everybody, by name."""
        return {"owner": self.owner, "hub": self.hub, "backup": self.backup, "electrician": self.electrician}

    async def live(self) -> None:
        """Do what users do until cancelled."""
        async with asyncio.TaskGroup() as group:
            for each in (self._send(), self._renew(), self._back_up(), self._read()):
                group.create_task(each)

    async def lost(self) -> int:
        """Count what the cloud, or the Hub, does not have though it was told that it is there."""
        delivered = sum(not self.scene.has_opened(each, payload) for each, payload in self._delivered.items())
        async with self.scene.home.records() as records, self.keeper.at_work() as client:
            known = self._record
            forgotten = self._forgotten + (_sequence(await records.held()) < known)
            return delivered + forgotten + (not await self.keeper.is_there(client))

    async def _send(self) -> None:
        numbers = count(1)
        async with self.scene.home.app(OWNER) as app:

            async def send() -> str:
                payload = b"number %d" % next(numbers)
                sent = await app.send(payload)
                if sent.outcome == "DELIVERED":
                    self._delivered[sent.message_id] = payload
                    return GOOD
                return f"{sent.outcome} {sent.reason or ''}".strip()

            await self._again(self.owner, send)

    async def _renew(self) -> None:
        async with self.scene.home.records() as records:

            async def renew() -> str:
                self._forgotten += _sequence(await records.held()) < self._record
                self._record = _sequence(await records.consent(CONSENT))
                return GOOD

            await self._again(self.hub, renew)

    async def _back_up(self) -> None:
        async with self.keeper.at_work() as client:
            await self._again(self.backup, lambda: self.keeper.act(client), pause=1.0)

    async def _read(self) -> None:
        tokens = self.scene.home.tokens("sparky")
        address = self.scene.stack.address("gateway", "app")
        async with httpx.AsyncClient(base_url=address, verify=self.scene.home.trust(), trust_env=False) as http:
            http.headers["authorization"] = f"Bearer {tokens.access_token}"
            organization = {"displayName": "Bright Sparks", "countryCode": "AU"}
            made = await http.post(f"/v1/organizations?requestId={uuid.uuid4()}", json=organization)
            made.raise_for_status()

            async def read() -> str:
                answer = await http.get("/v1/projects", timeout=_PATIENCE)
                if answer.status_code == httpx.codes.OK:
                    return GOOD
                return f"{answer.status_code} {answer.json().get('reason', '')}".strip()

            await self._again(self.electrician, read)

    @staticmethod
    async def _again(seen: Seen, act: Callable[[], Awaitable[str]], *, pause: float = _PAUSE) -> None:
        while True:
            try:
                async with asyncio.timeout(_PATIENCE):
                    seen.note(await act())
            except (ApiError, RecordRefusedError, BackupRefusedError) as error:
                seen.note(f"{error.status} {error.reason}")
            except (httpx.TransportError, TimeoutError) as error:
                seen.note(type(error).__name__)
            except Exception as error:  # noqa: BLE001 - a fault may show itself in any way; it is counted by its name
                seen.note(type(error).__name__)
            await asyncio.sleep(pause)


def _sequence(records: dict[str, Any]) -> int:
    return int(records["consentSequence"])
