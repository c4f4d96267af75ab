"""Owns making a Hub known to the local stack, and taking that back. A Hub's own files are hubsim's business."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from ora.fleet.v1 import hub_pb2, hub_service_pb2_grpc
from ora.fleet.v1 import hub_service_pb2 as pb

from devstack.dev import target

if TYPE_CHECKING:
    from devstack.state import Running

MODEL = "simulated"


async def register(stack: Running, hub_id: str, identity_public_key: bytes) -> hub_pb2.Hub:
    """Provision a Hub in the registry and activate it; return its row."""
    async with target.fleet(stack) as channel:
        registry: hub_service_pb2_grpc.HubServiceAsyncStub = hub_service_pb2_grpc.HubServiceStub(channel)
        row = hub_pb2.Hub(hardware_model=MODEL, identity_public_key=identity_public_key)
        await registry.CreateHub(pb.CreateHubRequest(hub_id=hub_id, hub=row, request_id=str(uuid.uuid4())))
        return await registry.ActivateHub(pb.ActivateHubRequest(name=f"hubs/{hub_id}"))


async def suspend(stack: Running, hub_id: str) -> hub_pb2.Hub:
    """Refuse a Hub until it is resumed; return its row."""
    async with target.fleet(stack) as channel:
        registry: hub_service_pb2_grpc.HubServiceAsyncStub = hub_service_pb2_grpc.HubServiceStub(channel)
        return await registry.SuspendHub(pb.SuspendHubRequest(name=f"hubs/{hub_id}"))


async def resume(stack: Running, hub_id: str) -> hub_pb2.Hub:
    """End a suspension; return the row."""
    async with target.fleet(stack) as channel:
        registry: hub_service_pb2_grpc.HubServiceAsyncStub = hub_service_pb2_grpc.HubServiceStub(channel)
        return await registry.ResumeHub(pb.ResumeHubRequest(name=f"hubs/{hub_id}"))
