"""Owns FirmwareMetadataService: the files of the TUF repository. Unpacks, asks, packs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from google.api import httpbody_pb2
from ora.fleet.v1 import firmware_metadata_pb2
from ora.fleet.v1 import firmware_metadata_service_pb2 as pb
from ora.fleet.v1 import firmware_metadata_service_pb2_grpc as rpc

from fleet_svc.api.firmware_names import release_name
from fleet_svc.api.times import to_timestamp
from fleet_svc.store import metadata_files
from mesh.errors import InvalidArgumentError, NotFoundError

if TYPE_CHECKING:
    from fleet_svc.publishing import Publisher
    from fleet_svc.tuf_files import File
    from mesh.clock import Now
    from mesh.db import Database

_ROLES: Final = {
    firmware_metadata_pb2.METADATA_ROLE_ROOT: "root",
    firmware_metadata_pb2.METADATA_ROLE_TARGETS: "targets",
    firmware_metadata_pb2.METADATA_ROLE_SNAPSHOT: "snapshot",
    firmware_metadata_pb2.METADATA_ROLE_TIMESTAMP: "timestamp",
}


class FirmwareMetadataService(rpc.FirmwareMetadataServiceServicer):
    """The TUF repository."""

    def __init__(self, database: Database, publisher: Publisher, *, now: Now) -> None:
        self._database, self._publisher, self._now = database, publisher, now

    async def PublishMetadata(self, request: pb.PublishMetadataRequest, context: Any) -> pb.PublishMetadataResponse:
        """Take the next file of an offline role; online files follow in the same transaction."""
        del context
        async with self._database.platform() as tx:
            match _ROLES[request.role]:
                case "root":
                    file = await self._publisher.root(tx, request.content, now=self._now())
                    return pb.PublishMetadataResponse(version=file.version)
                case "targets":
                    file, signed = await self._publisher.targets(tx, request.content, now=self._now())
                    names = [release_name(each.release_id) for each in signed]
                    return pb.PublishMetadataResponse(version=file.version, signed_releases=names)
                case _:
                    raise InvalidArgumentError.field("role", "must be ROOT or TARGETS")

    async def GetMetadata(self, request: pb.GetMetadataRequest, context: Any) -> firmware_metadata_pb2.FirmwareMetadata:
        """Return one file, or the current one of its role."""
        del context
        file = await self._find(_ROLES[request.role], request.version)
        return firmware_metadata_pb2.FirmwareMetadata(
            role=request.role,
            version=file.version,
            content=file.content,
            expire_time=to_timestamp(file.expire_time),
        )

    async def DownloadMetadata(self, request: pb.DownloadMetadataRequest, context: Any) -> httpbody_pb2.HttpBody:
        """Return the bytes of one file, named as TUF clients name it."""
        del context
        version, _, role = request.file.removesuffix(".json").rpartition(".")
        file = await self._find(role, int(version) if version else 0)
        return httpbody_pb2.HttpBody(content_type="application/json", data=file.content)

    async def _find(self, role: str, version: int) -> File:
        async with self._database.platform(read_only=True) as tx:
            found = metadata_files.get(tx, role, version) if version else metadata_files.newest(tx, role)
            file = await found
        if file is None:
            raise NotFoundError("there is no such file", reason="METADATA_UNKNOWN")
        return file
