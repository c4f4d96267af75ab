"""Owns what all chapters act on: the stack, one Hub and what it told, and the phone of its owner."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from devstack.demo.story import NotShownError
from devstack.dev.firmware import Patience
from devstack.dev.household import Household
from devstack.dev.hub_kinds import HubKind
from devstack.state import Running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

OWNER: Final = "homer"
STRANGER: Final = "newcomer"
PATIENCE: Final = 20.0


@dataclass(slots=True)
class Note:
    """One thing that the Hub told, and when."""

    at: float
    facts: Mapping[str, Any]


@dataclass(slots=True)
class Scene:
    """One home and the cloud that it uses."""

    stack: Running
    hub_id: str
    folder: Path
    notes: list[Note] = field(default_factory=list)
    # Who plays the Hub.
    kind: HubKind = HubKind.SIM
    # What the Hub has opened, by message id: the SHA-256 of the payload, in hex.
    opened: dict[bytes, str] = field(default_factory=dict)

    @property
    def home(self) -> Household:
        """The Hub's household."""
        return Household(self.stack, self.folder)

    @asynccontextmanager
    async def hub(self) -> AsyncIterator[None]:
        """Run the Hub while the block lasts."""
        home = self.home
        async with home.firmware.run(self.folder, home.cloud, self._note, Patience()):
            yield

    def has_opened(self, message_id: bytes, payload: bytes) -> bool:
        """Tell whether the Hub has opened exactly this."""
        return self.opened.get(message_id) == hashlib.sha256(payload).hexdigest()

    async def happened(self, event: str, since: float, **wanted: object) -> Note:
        """Wait until the Hub tells of an event after ``since``."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            for note in self.notes:
                told = note.facts
                if note.at >= since and told["event"] == event and all(told.get(k) == v for k, v in wanted.items()):
                    return note
            await asyncio.sleep(0.005)
        heard = ", ".join(str(note.facts["event"]) for note in self.notes if note.at >= since) or "nothing"
        raise NotShownError(f"the Hub told of {heard}, not of {event} {wanted or ''}")

    def _note(self, facts: Mapping[str, Any]) -> None:
        self.notes.append(Note(time.monotonic(), facts))
        if facts["event"] == "envelope":
            self.opened[bytes.fromhex(facts["message_id"])] = facts["payload_sha256"]
