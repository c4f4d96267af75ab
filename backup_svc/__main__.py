"""Owns the process: configuration, pool, clock, objects, handlers, server. Knows everybody, decides nothing."""

from __future__ import annotations

import sys

from ora.backup.v1.backup_service_pb2_grpc import add_BackupServiceServicer_to_server
from ora.backup.v1.backup_upload_service_pb2_grpc import add_BackupUploadServiceServicer_to_server
from ora.backup.v1.ticket_service_pb2_grpc import add_TicketServiceServicer_to_server
from ora.fleet.v1.admission_service_pb2_grpc import AdmissionServiceStub

from backup_svc.api.backups import BackupService
from backup_svc.api.ticket_keys import PURPOSE, TicketKeys
from backup_svc.api.tickets import TicketService
from backup_svc.api.uploads import BackupUploadService
from backup_svc.config import Config
from backup_svc.jobs import jobs_of
from mesh import clock, log, tasks, telemetry
from mesh.certs import Certificates
from mesh.channel import Channel
from mesh.config import load
from mesh.db import open_database
from mesh.jobs import Jobs
from mesh.kms_choice import open_kms
from mesh.ratelimit import RateLimiter
from mesh.redis import open_redis
from mesh.server import Server


async def serve(scope: tasks.Scope) -> None:
    """Serve until told to stop."""
    config = load(Config)
    log.start("backup", config.mesh)
    with telemetry.running("backup", config.mesh):
        async with (
            open_database(config.database, application="backup") as database,
            open_redis(config.redis) as redis,
            Channel("fleet", config.fleet, Certificates(config.mesh.cert_dir, "backup")) as fleet,
            scope.background(),
        ):
            objects = config.objects.open()
            keys = TicketKeys(database, open_kms(config.kms, PURPOSE), now=clock.now)
            tickets = TicketService(database, keys, AdmissionServiceStub(fleet), now=clock.now)
            arriving = BackupUploadService(database, objects, now=clock.now, retained=config.retained)
            stored = BackupService(database, objects, now=clock.now)
            jobs = jobs_of(database, objects, stored, arriving, keys)
            scope.start("jobs", Jobs(database, "backup", now=clock.now).run(*jobs))
            limiter = RateLimiter(redis, monotonic=clock.monotonic)
            server = Server(config.mesh, workload="backup", limiter=limiter)
            server.add(add_TicketServiceServicer_to_server, tickets)
            server.add(add_BackupUploadServiceServicer_to_server, arriving)
            server.add(add_BackupServiceServicer_to_server, stored)
            await server.serve(scope.stopping)


if __name__ == "__main__":
    sys.exit(tasks.run(serve))
