"""What happens to a Hub is told, in order, in the transaction that makes it true."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import protovalidate
from ora.common.v1.capability_pb2 import CAPABILITY_RELAY
from ora.events.v1 import event_pb2
from ora.events.v1.event_pb2 import Event
from ora.fleet.v1.hub_pb2 import Hub
from ora.fleet.v1.hub_record_service_pb2 import LowerConsentRequest
from ora.fleet.v1.hub_service_pb2 import DecommissionHubRequest, SuspendHubRequest

from tests.integration.fleet_svc.hub_actor import HubActor, a_peer
from tests.integration.fleet_svc.node import refused

if TYPE_CHECKING:
    from tests.integration.fleet_svc.node import Node
    from tests.integration.fleet_svc.postgres import Database


async def told(database: Database) -> list[Any]:
    connection = await database.connect("postgres")
    try:
        rows = await connection.fetch("SELECT payload, event_type, aggregate FROM fleet.outbox ORDER BY position")
    finally:
        await connection.close()
    events = [Event.FromString(row["payload"]) for row in rows]
    for event, row in zip(events, rows, strict=True):
        protovalidate.validate(event)
        assert f"EVENT_TYPE_{row['event_type']}" == event_pb2.EventType.Name(event.type)
    return events


async def test_a_life_is_told_in_order(node: Node, database: Database) -> None:
    actor = HubActor()
    await node.enrol(actor)
    await node.consent(actor, 1, CAPABILITY_RELAY)
    await node.records("portal").LowerConsent(LowerConsentRequest(hub=actor.name))
    await node.submit_peers(actor, actor.peers(3, a_peer()))
    await node.hubs().DecommissionHub(DecommissionHubRequest(name=actor.name))
    events = await told(database)
    assert [event.WhichOneof("payload") for event in events] == [
        "hub_state_changed",
        "hub_state_changed",
        "owner_epoch_started",
        "consent_changed",
        "consent_changed",
        "peers_changed",
        "hub_state_changed",
    ]
    assert [event.aggregate.sequence for event in events] == [1, 2, 3, 4, 5, 6, 7]
    assert {event.aggregate.aggregate_id for event in events} == {actor.id.bytes}
    assert events[0].hub_state_changed.before == Hub.STATE_UNSPECIFIED
    assert events[1].hub_state_changed.after == Hub.STATE_ACTIVE
    assert [event.consent_changed.lowered for event in events[3:5]] == [False, True]
    assert list(events[3].consent_changed.capabilities) == [CAPABILITY_RELAY]
    assert list(events[4].consent_changed.capabilities) == []
    assert events[6].hub_state_changed.before == Hub.STATE_ACTIVE
    assert len({event.event_id for event in events}) == 7


async def test_what_changed_nothing_is_not_told(node: Node, database: Database) -> None:
    actor = HubActor()
    await node.enrol(actor)
    consent = actor.consent(2, CAPABILITY_RELAY)
    await node.submit_consent(actor, consent)
    before = len(await told(database))
    await node.submit_consent(actor, consent)
    await node.submit_owner_key(actor, actor.owner_key(1))
    await refused(node.consent(actor, 1, CAPABILITY_RELAY))
    await node.hubs().SuspendHub(SuspendHubRequest(name=actor.name))
    await node.hubs().SuspendHub(SuspendHubRequest(name=actor.name))
    assert len(await told(database)) == before + 1
