"""CohortService on a real database: which Hubs are alike, for ingest alone."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest
from ora.fleet.v1.cohort_pb2 import Cohort
from ora.fleet.v1.cohort_service_pb2 import BatchGetCohortsRequest
from ora.fleet.v1.cohort_service_pb2_grpc import CohortServiceStub

from tests.integration.fleet_svc.fleet_of_hubs import Device, enrol, through
from tests.integration.fleet_svc.hub_actor import HubActor
from tests.integration.fleet_svc.node import refused

if TYPE_CHECKING:
    from tests.integration.fleet_svc.node import Node
    from tests.integration.fleet_svc.postgres import Database


async def cohorts(node: Node, *hub_ids: uuid.UUID, by: str = "ingest") -> dict[uuid.UUID, Cohort]:
    request = BatchGetCohortsRequest(hub_ids=[each.bytes for each in hub_ids])
    answer = await CohortServiceStub(node.channel(by)).BatchGetCohorts(request)
    return {uuid.UUID(bytes=each.hub_id): each.cohort for each in answer.hub_cohorts}


async def test_a_hub_counts_for_what_it_is_and_last_said_that_it_runs(node: Node, database: Database) -> None:
    silent, device = HubActor(), Device(through(node))
    await node.create(silent)
    await enrol(database, [device])
    await device.check()
    told = await cohorts(node, silent.id, device.id, uuid.uuid4())
    assert told == {
        silent.id: Cohort(hardware_model="ora-hub-1"),
        device.id: Cohort(hardware_model="ora-hub-1", firmware_version="1.8.5"),
    }


@pytest.mark.parametrize("workload", ["operator", "relay", "portal", "gateway"])
async def test_cohorts_are_for_ingest(node: Node, workload: str) -> None:
    assert await refused(cohorts(node, uuid.uuid4(), by=workload)) == ("PERMISSION_DENIED", "CALLER_NOT_ALLOWED")
