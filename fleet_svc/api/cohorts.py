"""Owns CohortService: which Hubs are alike, for ingest. Reads; writes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from ora.fleet.v1 import cohort_pb2
from ora.fleet.v1 import cohort_service_pb2 as pb
from ora.fleet.v1 import cohort_service_pb2_grpc as rpc

from fleet_svc.store import cohorts
from mesh.ids import HubId

if TYPE_CHECKING:
    from mesh.db import Database


class CohortService(rpc.CohortServiceServicer):
    """The cohorts of Hubs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def BatchGetCohorts(self, request: pb.BatchGetCohortsRequest, context: Any) -> pb.BatchGetCohortsResponse:
        """Return the cohorts of those Hubs that the registry knows."""
        del context
        asked = [HubId(UUID(bytes=each)) for each in request.hub_ids]
        async with self._database.platform(read_only=True) as tx:
            found = await cohorts.read(tx, asked)
        return pb.BatchGetCohortsResponse(
            hub_cohorts=[
                cohort_pb2.HubCohort(
                    hub_id=each.hub_id.bytes,
                    cohort=cohort_pb2.Cohort(
                        hardware_model=each.hardware_model, firmware_version=each.firmware_version
                    ),
                )
                for each in found
            ]
        )
