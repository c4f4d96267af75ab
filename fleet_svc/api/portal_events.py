"""Owns what fleet does with the portal's events: a hold that a crash left undone is mended. Tells nothing itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import UUID

from ora.events.v1 import event_pb2

from fleet_svc import holding
from fleet_svc.domain.update_hold import Reason, UpdateHold
from mesh import log, names
from mesh.errors import AbortedError, NotFoundError
from mesh.ids import HubId

if TYPE_CHECKING:
    from ora.events.v1 import portal_events_pb2

    from mesh.clock import Now
    from mesh.db import Tx
    from mesh.events import Event

_LOG: Final = log.get(__name__)


class PortalEvents:
    """Takes each event of the portal, in the transaction that remembers that it was taken."""

    def __init__(self, *, now: Now) -> None:
        self._now = now

    async def take(self, tx: Tx, event: Event) -> None:
        """Mend the hold if the event is about one. What is old news, or about a Hub that is not ours, has no effect."""
        if event.type != "HOLD_CHANGED":
            return
        told = event_pb2.Event.FromString(event.payload).hold_changed
        try:
            await self._mend(tx, told)
        except (AbortedError, NotFoundError) as error:
            _LOG.info("a hold was not mended", **{names.EVENT_ID: str(event.event_id)}, reason=error.reason)

    async def _mend(self, tx: Tx, told: portal_events_pb2.HoldChanged) -> None:
        hold = UpdateHold(
            hub_id=HubId(UUID(bytes=told.hub_id)),
            reason=_reason(told),
            lock_epoch=told.lock_epoch,
            update_time=self._now(),
        )
        if hold.reason is None:
            await holding.release(tx, hold)
        else:
            await holding.place(tx, hold)


def _reason(told: portal_events_pb2.HoldChanged) -> Reason | None:
    if not told.held:
        return None
    return Reason.RECEIPT_WAIT if told.receipt_wait else Reason.PENDING_HANDOVER
