"""Owns making a release: the draft in fleet, the offline signature over what it is, and its publication."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import grpc
from ora.fleet.v1 import firmware_metadata_pb2 as meta
from ora.fleet.v1.firmware_metadata_service_pb2 import GetMetadataRequest, PublishMetadataRequest
from ora.fleet.v1.firmware_metadata_service_pb2_grpc import FirmwareMetadataServiceStub
from ora.fleet.v1.firmware_release_pb2 import FirmwareImage, FirmwareRelease
from ora.fleet.v1.firmware_release_service_pb2 import CreateReleaseRequest, GetReleaseRequest
from ora.fleet.v1.firmware_release_service_pb2_grpc import FirmwareReleaseServiceStub

from devstack.firmware.offline import Listed, OfflineKeys
from devstack.firmware.staff import Login
from mesh.channel import Channel

if TYPE_CHECKING:
    from devstack.firmware.images import Uploaded

PUBLISH: Final = "ora_firmware_metadata_publish"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is released, and for which hardware."""

    version: str
    sequence: int
    hardware_model: str
    revision_min: int = 0
    revision_max: int = 2**32 - 1
    security_fix: bool = False


@dataclass(frozen=True, slots=True)
class Releasing:
    """The people with the offline keys beside fleet. ``sign_in`` gives a fresh login, one for each file."""

    channel: Channel
    keys: OfflineKeys
    director: Any
    factory_root: bytes
    sign_in: Callable[[], Login]

    async def release(self, plan: Plan, image: Uploaded) -> FirmwareRelease:
        """Draft, sign and publish; return the release as SIGNED."""
        stub = FirmwareReleaseServiceStub(self.channel)
        draft = FirmwareRelease(
            version=plan.version,
            sequence=plan.sequence,
            security_fix=plan.security_fix,
            images=[
                FirmwareImage(
                    artefact=image.name,
                    hardware_model=plan.hardware_model,
                    hardware_revision_min=plan.revision_min,
                    hardware_revision_max=plan.revision_max,
                )
            ],
        )
        request = CreateReleaseRequest(firmware_release=draft, request_id=str(uuid.uuid4()))
        made = await stub.CreateRelease(request)
        if await self._newest(meta.METADATA_ROLE_ROOT) is None:
            await self._publish(meta.METADATA_ROLE_ROOT, self.factory_root)
        listed = Listed(
            digest=image.digest,
            length_bytes=image.length_bytes,
            hardware_model=plan.hardware_model,
            revision_min=plan.revision_min,
            revision_max=plan.revision_max,
            sequence=plan.sequence,
        )
        targets = self.keys.next_targets(await self._newest(meta.METADATA_ROLE_TARGETS), self.director, [listed])
        await self._publish(meta.METADATA_ROLE_TARGETS, targets)
        signed: FirmwareRelease = await stub.GetRelease(GetReleaseRequest(name=made.name))
        return signed

    async def _newest(self, role: meta.MetadataRole.ValueType) -> bytes | None:
        try:
            found = await FirmwareMetadataServiceStub(self.channel).GetMetadata(GetMetadataRequest(role=role))
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.NOT_FOUND:
                return None
            raise
        return bytes(found.content)

    async def _publish(self, role: meta.MetadataRole.ValueType, content: bytes) -> None:
        request = PublishMetadataRequest(role=role, content=content)
        await FirmwareMetadataServiceStub(self.channel).PublishMetadata(request, metadata=self.sign_in())
