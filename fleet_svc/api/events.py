"""Owns telling what happened to a Hub: ``ora.events.v1`` into the outbox, in the transaction that makes it true."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ora.events.v1 import event_pb2, fleet_events_pb2

from fleet_svc.api import capabilities, states, update_states
from fleet_svc.api.firmware_names import rollout_name
from fleet_svc.api.names import hub_name
from fleet_svc.api.times import to_timestamp
from fleet_svc.domain.tenant import PLATFORM
from fleet_svc.store import events as store
from fleet_svc.store import rollouts
from mesh import outbox
from mesh.call import CURRENT
from mesh.events import Event

if TYPE_CHECKING:
    from ora.fleet.v1 import certificate_pb2, firmware_update_pb2

    from fleet_svc.domain.consent import Consent
    from fleet_svc.domain.hub import Hub, State
    from fleet_svc.domain.owner_key import OwnerKey
    from fleet_svc.domain.peer_list import PeerList
    from fleet_svc.domain.rollout import Rollout
    from fleet_svc.domain.update import Update
    from mesh.clock import Now
    from mesh.db import Tx
    from mesh.ids import HubId, NewId

_SCHEMA: Final = "fleet"
_CELL: Final = 1


class HubEvents:
    """Tells the events of Hubs. The Hub's row is locked by then, so its events are in order and without gaps."""

    def __init__(self, *, now: Now, new_id: NewId) -> None:
        self._now, self._new_id = now, new_id

    async def state_changed(self, tx: Tx, before: State | None, hub: Hub) -> None:
        """Tell that a Hub moved in its life, or is new."""
        payload = fleet_events_pb2.HubStateChanged(
            hub_id=hub.id.bytes,
            before=states.TO_PROTO[before] if before else states.UNSPECIFIED,
            after=states.TO_PROTO[hub.state],
        )
        event = event_pb2.Event(type=event_pb2.EVENT_TYPE_HUB_STATE_CHANGED, hub_state_changed=payload)
        await self._tell(tx, hub.id, event)

    async def owner_epoch_started(self, tx: Tx, key: OwnerKey) -> None:
        """Tell that everything of older owner epochs is void."""
        payload = fleet_events_pb2.OwnerEpochStarted(hub_id=key.hub_id.bytes, owner_epoch=key.owner_epoch)
        event = event_pb2.Event(type=event_pb2.EVENT_TYPE_OWNER_EPOCH_STARTED, owner_epoch_started=payload)
        await self._tell(tx, key.hub_id, event)

    async def consent_changed(self, tx: Tx, consent: Consent, *, lowered: bool) -> None:
        """Tell what the cloud may do now, and whether the Hub or the cloud changed it."""
        payload = fleet_events_pb2.ConsentChanged(
            hub_id=consent.hub_id.bytes,
            owner_epoch=consent.owner_epoch,
            sequence=consent.sequence,
            capabilities=capabilities.to_proto(consent.capabilities),
            lowered=lowered,
        )
        event = event_pb2.Event(type=event_pb2.EVENT_TYPE_CONSENT_CHANGED, consent_changed=payload)
        await self._tell(tx, consent.hub_id, event)

    async def peers_changed(self, tx: Tx, peer_list: PeerList) -> None:
        """Tell that a Hub has a new peer list."""
        payload = fleet_events_pb2.PeersChanged(hub_id=peer_list.hub_id.bytes, sequence=peer_list.sequence)
        event = event_pb2.Event(type=event_pb2.EVENT_TYPE_PEERS_CHANGED, peers_changed=payload)
        await self._tell(tx, peer_list.hub_id, event)

    async def certificate_revoked(
        self, tx: Tx, hub_id: HubId, serial: bytes, reason: certificate_pb2.RevocationReason.ValueType
    ) -> None:
        """Tell that one certificate of a Hub is refused, or with an empty serial all until now."""
        payload = fleet_events_pb2.CertificateRevoked(hub_id=hub_id.bytes, serial_number=serial, reason=reason)
        event = event_pb2.Event(type=event_pb2.EVENT_TYPE_CERTIFICATE_REVOKED, certificate_revoked=payload)
        await self._tell(tx, hub_id, event)

    async def update_changed(
        self, tx: Tx, update: Update, *, hold_reason: firmware_update_pb2.HoldReason.ValueType
    ) -> None:
        """Tell that an update of a Hub moved, or waits."""
        payload = fleet_events_pb2.UpdateStateChanged(
            hub_id=update.hub_id.bytes,
            update_id=update.update_id.bytes,
            state=update_states.shown(update.state, hold_reason),
            hold_reason=hold_reason,
        )
        event = event_pb2.Event(type=event_pb2.EVENT_TYPE_UPDATE_STATE_CHANGED, update_state_changed=payload)
        await self._tell(tx, update.hub_id, event)

    async def rollout_changed(self, tx: Tx, rollout: Rollout) -> None:
        """Tell that a rollout moved."""
        payload = fleet_events_pb2.RolloutStateChanged(
            rollout_id=rollout.rollout_id.bytes,
            state=update_states.ROLLOUT_TO_PROTO[rollout.state],
            stop_reason=update_states.STOP_TO_PROTO[rollout.stop_reason],
        )
        event = event_pb2.Event(type=event_pb2.EVENT_TYPE_ROLLOUT_STATE_CHANGED, rollout_state_changed=payload)
        event.aggregate.kind = event_pb2.AGGREGATE_KIND_ROLLOUT
        event.aggregate.aggregate_id = rollout.rollout_id.bytes
        event.aggregate.sequence = await rollouts.count_event(tx, rollout.rollout_id)
        await self._append(tx, rollout_name(rollout.rollout_id), event)

    async def _tell(self, tx: Tx, hub_id: HubId, event: event_pb2.Event) -> None:
        event.aggregate.kind = event_pb2.AGGREGATE_KIND_HUB
        event.aggregate.aggregate_id = hub_id.bytes
        event.aggregate.sequence = await store.count(tx, hub_id)
        await self._append(tx, hub_name(hub_id), event)

    async def _append(self, tx: Tx, aggregate: str, event: event_pb2.Event) -> None:
        event_id, now = self._new_id(), self._now()
        event.event_id = event_id.bytes
        event.tenant_id = PLATFORM.bytes
        event.cell = _CELL
        event.occurred_time.CopyFrom(to_timestamp(now))
        event.producer = _SCHEMA
        event.trace = _trace()
        told = Event(
            event_id=event_id,
            type=event_pb2.EventType.Name(event.type).removeprefix("EVENT_TYPE_"),
            aggregate=aggregate,
            occurred_at=now,
            payload=event.SerializeToString(),
        )
        await outbox.append(tx, _SCHEMA, told)


def _trace() -> bytes:
    """Return the trace of the call that is served; none for what a job does."""
    call = CURRENT.get(None)
    return bytes.fromhex(call.trace_id) if call else b""
