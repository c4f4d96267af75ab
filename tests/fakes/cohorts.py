"""A CohortService that says what a test tells it to, on the contract's own types."""

from __future__ import annotations

from typing import Any

from ora.fleet.v1 import cohort_pb2
from ora.fleet.v1 import cohort_service_pb2 as pb
from ora.fleet.v1 import cohort_service_pb2_grpc as rpc

from mesh.errors import UnavailableError


class FakeCohortService(rpc.CohortServiceServicer):
    """Firmware versions in a dictionary."""

    def __init__(self) -> None:
        self.firmware: dict[bytes, str] = {}
        self.away = False
        self.asked = 0

    async def BatchGetCohorts(  # noqa: N802 - the contract's name
        self, request: pb.BatchGetCohortsRequest, context: Any
    ) -> pb.BatchGetCohortsResponse:
        del context
        self.asked += 1
        if self.away:
            raise UnavailableError("away")
        return pb.BatchGetCohortsResponse(
            hub_cohorts=[
                cohort_pb2.HubCohort(
                    hub_id=each,
                    cohort=cohort_pb2.Cohort(hardware_model="ora-hub-1", firmware_version=self.firmware[each]),
                )
                for each in request.hub_ids
                if each in self.firmware
            ]
        )
