"""Owns the service that backup_svc is compared with: it copies bytes to a file and back, and looks at none of them.

`python -m bench.backup.raw CERTIFICATES PORT FOLDER`. It stands behind the same gateway, on the same mesh server.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from google.api.httpbody_pb2 import HttpBody
from ora.backup.v1 import backup_service_pb2 as backup_pb
from ora.backup.v1 import backup_service_pb2_grpc as backup_rpc
from ora.backup.v1 import backup_upload_pb2
from ora.backup.v1 import backup_upload_service_pb2 as pb
from ora.backup.v1 import backup_upload_service_pb2_grpc as rpc

from mesh.ratelimit import Limit, RateLimits
from mesh.server import Server
from mesh.settings import Environment, MeshConfig

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_OFTEN: Final = Limit(per_minute=6e6, burst=100_000)
_PIECE: Final = 65_536


class Uploads(rpc.BackupUploadServiceServicer):
    """Takes whatever comes."""

    def __init__(self, file: Path) -> None:
        self._file = file

    async def WriteUpload(  # noqa: N802 - the contract's name
        self, requests: AsyncIterator[pb.WriteUploadRequest], context: Any
    ) -> backup_upload_pb2.BackupUpload:
        """Copy a stream into the file."""
        del context
        count = 0
        with self._file.open("wb") as file:
            async for request in requests:
                file.write(request.data.data)
                count += len(request.data.data)
        return backup_upload_pb2.BackupUpload(committed_bytes=count)


class Downloads(backup_rpc.BackupServiceServicer):
    """Gives what came last."""

    def __init__(self, file: Path) -> None:
        self._file = file

    async def DownloadGeneration(  # noqa: N802 - the contract's name
        self, request: backup_pb.DownloadGenerationRequest, context: Any
    ) -> AsyncIterator[HttpBody]:
        """Copy the file into a stream."""
        del request, context
        with self._file.open("rb") as file:
            while data := file.read(_PIECE):
                yield HttpBody(content_type="application/octet-stream", data=data)


async def main(certificates: Path, port: int, folder: Path) -> None:
    """Serve until told to stop."""
    config = MeshConfig(
        environment=Environment.DEV,
        grpc_listen=f"127.0.0.1:{port}",
        cert_dir=certificates,
        rate_limits=RateLimits(write=_OFTEN, sensitive=_OFTEN, expensive=_OFTEN),
        log_level="warning",
        drain_seconds=0.5,
    )
    server = Server(config, workload="backup")
    file = folder / "copied"
    server.add(rpc.add_BackupUploadServiceServicer_to_server, Uploads(file))  # type: ignore[abstract] # the others stay
    server.add(backup_rpc.add_BackupServiceServicer_to_server, Downloads(file))  # type: ignore[abstract] # unasked
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    await server.serve(stopping)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])))
