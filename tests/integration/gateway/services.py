"""The smallest services that answer the contract behind a real gateway: they remember calls and do as they are told."""
# ruff: noqa: N802 # handlers carry the names of the contract

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent import futures
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import grpc
from google.api import httpbody_pb2
from google.protobuf import any_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health, health_pb2_grpc
from grpc_status import rpc_status
from ora.backup.v1 import backup_service_pb2 as backup
from ora.backup.v1 import backup_service_pb2_grpc as backup_rpc
from ora.backup.v1 import backup_upload_pb2
from ora.backup.v1 import backup_upload_service_pb2 as upload
from ora.backup.v1 import backup_upload_service_pb2_grpc as upload_rpc
from ora.fleet.v1 import hub_record_service_pb2 as fleet
from ora.fleet.v1 import hub_record_service_pb2_grpc as fleet_rpc
from ora.relay.v1 import relay_service_pb2 as relay
from ora.relay.v1 import relay_service_pb2_grpc as relay_rpc

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass
class Call:
    """What a service saw of one call."""

    request: Message
    metadata: dict[str, str]
    seconds_left: float
    peer: tuple[str, ...]


@dataclass
class Calls:
    """All calls, and what to do with the next ones."""

    seen: list[Call] = field(default_factory=list)
    fail: status_pb2.Status | None = None
    before: Callable[[grpc.ServicerContext], None] | None = None
    pieces: list[upload.WriteUploadRequest] = field(default_factory=list)
    download: list[bytes] = field(default_factory=list)
    stream: list[relay.ReceiveResponse] = field(default_factory=list)
    stream_fail: status_pb2.Status | None = None
    stream_hold: threading.Event | None = None

    def take(self, request: Message, context: grpc.ServicerContext) -> None:
        metadata = {key: value if isinstance(value, str) else "" for key, value in context.invocation_metadata()}
        names = cast("dict[str, list[bytes]]", context.auth_context())["x509_subject_alternative_name"]
        peer = tuple(name.decode() for name in names)
        self.seen.append(Call(request, metadata, context.time_remaining() or 0.0, peer))
        if self.before is not None:
            self.before(context)
        if self.fail is not None:
            context.abort_with_status(rpc_status.to_status(self.fail))

    def reset(self) -> None:
        self.__init__()  # type: ignore[misc]


def status(code: int, message: str, *details: Message) -> status_pb2.Status:
    packed = []
    for detail in details:
        packed.append(any_pb2.Any())
        packed[-1].Pack(detail)
    return status_pb2.Status(code=code, message=message, details=packed)


def info(reason: str, **metadata: str) -> error_details_pb2.ErrorInfo:
    return error_details_pb2.ErrorInfo(reason=reason, domain="ora", metadata=metadata)


class Relay(relay_rpc.RelayServiceServicer):
    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def Send(self, request: relay.SendRequest, context: grpc.ServicerContext) -> relay.SendResponse:
        self._calls.take(request, context)
        return relay.SendResponse(message_id=b"\x01" * 16, outcome=relay.OUTCOME_DELIVERED)

    def Receive(self, request: relay.ReceiveRequest, context: grpc.ServicerContext) -> Iterator[relay.ReceiveResponse]:
        self._calls.take(request, context)
        yield from self._calls.stream
        if self._calls.stream_hold is not None:
            self._calls.stream_hold.wait(20)
        if self._calls.stream_fail is not None:
            context.abort_with_status(rpc_status.to_status(self._calls.stream_fail))

    def Tunnel(
        self, request_iterator: Iterator[relay.TunnelRequest], context: grpc.ServicerContext
    ) -> Iterator[relay.TunnelResponse]:
        raise NotImplementedError  # nothing in front of it has a route to it


class HubRecords(fleet_rpc.HubRecordServiceServicer):
    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def SubmitConsent(self, request: fleet.SubmitConsentRequest, context: grpc.ServicerContext) -> fleet.HubRecords:
        self._calls.take(request, context)
        return fleet.HubRecords(hub=request.hub, owner_epoch=2**60, consent_sequence=7)

    def SubmitOwnerKey(self, request: fleet.SubmitOwnerKeyRequest, context: grpc.ServicerContext) -> fleet.HubRecords:
        self._calls.take(request, context)
        return fleet.HubRecords(hub=request.hub)

    def SubmitPeerList(self, request: fleet.SubmitPeerListRequest, context: grpc.ServicerContext) -> fleet.HubRecords:
        self._calls.take(request, context)
        return fleet.HubRecords(hub=request.hub)

    def LowerConsent(self, request: fleet.LowerConsentRequest, context: grpc.ServicerContext) -> fleet.HubRecords:
        raise NotImplementedError  # nothing in front of it has a route to it

    def GetHubRecords(self, request: fleet.GetHubRecordsRequest, context: grpc.ServicerContext) -> fleet.HubRecords:
        self._calls.take(request, context)
        return fleet.HubRecords(hub=request.hub)


class BackupUploads(upload_rpc.BackupUploadServiceServicer):
    """Takes bytes; what else the service has is another room's test."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def WriteUpload(
        self, request_iterator: Iterator[upload.WriteUploadRequest], context: grpc.ServicerContext
    ) -> backup_upload_pb2.BackupUpload:
        pieces: list[upload.WriteUploadRequest] = []
        for piece in request_iterator:
            if not pieces:
                self._calls.take(piece, context)
            pieces.append(piece)
        self._calls.pieces = pieces
        return backup_upload_pb2.BackupUpload(name=pieces[0].name)


class Backups(backup_rpc.BackupServiceServicer):
    """Gives bytes."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def DownloadGeneration(
        self, request: backup.DownloadGenerationRequest, context: grpc.ServicerContext
    ) -> Iterator[httpbody_pb2.HttpBody]:
        self._calls.take(request, context)
        for piece in self._calls.download:
            yield httpbody_pb2.HttpBody(content_type="application/octet-stream", data=piece)


def serve(certificates: Path, workload: str, calls: Calls, port: int = 0) -> tuple[grpc.Server, int]:
    """Start one workload; return its server and its port."""
    server = grpc.server(futures.ThreadPoolExecutor(24), options=[("grpc.so_reuseport", 0)])
    health_pb2_grpc.add_HealthServicer_to_server(health.HealthServicer(), server)
    if workload == "relay":
        relay_rpc.add_RelayServiceServicer_to_server(Relay(calls), server)
    elif workload == "backup":
        upload_rpc.add_BackupUploadServiceServicer_to_server(BackupUploads(calls), server)  # type: ignore[abstract] # asked for nothing else
        backup_rpc.add_BackupServiceServicer_to_server(Backups(calls), server)  # type: ignore[abstract] # asked for nothing else
    else:
        fleet_rpc.add_HubRecordServiceServicer_to_server(HubRecords(calls), server)
    folder = certificates / workload
    pair = (folder.joinpath("tls.key").read_bytes(), folder.joinpath("tls.crt").read_bytes())
    credentials = grpc.ssl_server_credentials([pair], certificates.joinpath("mesh-ca.pem").read_bytes(), True)
    bound = server.add_secure_port(f"127.0.0.1:{port}", credentials)
    server.start()
    return server, bound
