"""Owns what the core asks of the one place that takes telemetry. Reads none of it and knows no call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from relay.routing.reasons import OFFLINE

if TYPE_CHECKING:
    from relay.routing.reasons import Fate
    from relay.routing.session import Origin


class Collector(Protocol):
    """Takes what Hubs report of themselves."""

    def take(
        self, hub_id: bytes, payload: bytes, origin: Origin | None, token: int, *, content_type: str | None = None
    ) -> Fate | None:
        """Take one payload and what its Hub calls it; its fate if it is known at once, else ``origin`` is told."""


class NoCollector:
    """A relay that nobody has told where telemetry goes."""

    def take(
        self, hub_id: bytes, payload: bytes, origin: Origin | None, token: int, *, content_type: str | None = None
    ) -> Fate | None:
        """There is nobody to take it."""
        del hub_id, payload, origin, token, content_type
        return OFFLINE
