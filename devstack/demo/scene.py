"""Owns what all chapters act on: the stack, one Hub and what it told, and the phone of its owner."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from devstack.demo.story import NotShownError
from devstack.dev.household import Household
from devstack.state import Running
from hubsim.hub import Hub, HubConfig, Received, answer_ping

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
    # What the Hub has opened, by message id: payload, or what there is of it.
    opened: dict[bytes, bytes] = field(default_factory=dict)

    @property
    def home(self) -> Household:
        """The Hub's household."""
        return Household(self.stack, self.folder)

    @asynccontextmanager
    async def hub(self) -> AsyncIterator[Hub]:
        """Run the Hub while the block lasts."""
        host, _, port = self.stack.address("relay-1", "mqtt").rpartition(":")
        config = HubConfig(
            folder=self.folder,
            mqtt_host=host,
            mqtt_port=int(port),
            ca_file=Path(self.stack.file("edge_ca")),
            backoff_base_s=0.1,
            backoff_cap_s=1.0,
        )
        hub = Hub(config, answer_ping, on_event=self._note, accept=self._keep)
        running = asyncio.create_task(hub.run())
        try:
            yield hub
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running

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

    async def _keep(self, received: Received) -> None:
        self.opened[received.message_id] = received.payload
