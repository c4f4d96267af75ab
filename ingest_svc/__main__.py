"""Owns the process: configuration, pool, clock, consent, writer, handlers, server. Knows everybody, decides nothing."""

from __future__ import annotations

import gc
import sys

from ora.fleet.v1.admission_service_pb2_grpc import AdmissionServiceStub
from ora.fleet.v1.cohort_service_pb2_grpc import CohortServiceStub
from ora.ingest.v1.health_service_pb2_grpc import add_HealthServiceServicer_to_server
from ora.ingest.v1.intake_service_pb2_grpc import add_IntakeServiceServicer_to_server
from ora.ingest.v1.subject_access_service_pb2_grpc import add_SubjectAccessServiceServicer_to_server

from ingest_svc.api.health import HealthService
from ingest_svc.api.intake import IntakeService
from ingest_svc.api.subject_access import SubjectAccessService
from ingest_svc.coarse import CoarseClock
from ingest_svc.cohorts import CohortDirectory
from ingest_svc.config import Config
from ingest_svc.drops import Drops
from ingest_svc.erasure import on_fleet_event
from ingest_svc.intake import Intake
from ingest_svc.jobs import Upkeep, jobs_of
from ingest_svc.owners import Owners
from ingest_svc.store.pseudonym_keys import DESTROYED
from ingest_svc.writer import Writer
from mesh import clock, ids, log, tasks, telemetry
from mesh.admission import Admissions
from mesh.certs import Certificates
from mesh.channel import Channel
from mesh.config import load
from mesh.consumer import Consumer
from mesh.db import open_database
from mesh.jobs import Jobs
from mesh.outbox import OutboxRelay
from mesh.pagination import PageTokens
from mesh.ratelimit import RateLimiter
from mesh.redis import open_redis
from mesh.server import Server

# New objects before a collection; the usual 700 are made by seventy payloads, which all live until their commit.
_GARBAGE = (50_000, 20, 100)


async def serve(scope: tasks.Scope) -> None:
    """Serve until told to stop."""
    config = load(Config)
    log.start("ingest", config.mesh)
    with telemetry.running("ingest", config.mesh):
        async with (
            open_database(config.database, application="ingest") as database,
            open_redis(config.redis) as redis,
            Channel("fleet", config.fleet, Certificates(config.mesh.cert_dir, "ingest")) as fleet,
            scope.background(),
        ):
            cohorts = CohortDirectory(database, CohortServiceStub(fleet), monotonic=clock.monotonic)
            owners = Owners(database, cohorts, now=clock.now)
            writer = Writer(
                database,
                owners,
                batch_readings=config.batch_readings,
                waiting_readings=config.waiting_readings,
            )
            drops = Drops(database, cohorts, now=clock.now, new_id=ids.uuid7)
            coarse = CoarseClock(clock.now, clock.monotonic)
            admissions = Admissions(AdmissionServiceStub(fleet), monotonic=coarse.monotonic)
            intake = Intake(admissions, writer, drops, seconds=coarse.seconds)
            outbox = OutboxRelay(database, redis, schema="ingest")
            node = config.mesh.node_id or "ingest"
            events = Consumer(
                database, redis, on_fleet_event, source="fleet", schema="ingest", name="ingest", node=node
            )
            await Upkeep(database).make_partitions(clock.now())
            scope.start("outbox", outbox.run())
            scope.start("fleet events", events.run())
            scope.start("jobs", Jobs(database, "ingest", now=clock.now).run(*jobs_of(database, outbox, events)))
            scope.start("clock", coarse.run())
            scope.start("admissions", admissions.run())
            scope.start("writer", writer.run())
            scope.start("drops", drops.run())
            tokens = PageTokens(config.page_keys)
            server = Server(config.mesh, workload="ingest", limiter=RateLimiter(redis, monotonic=clock.monotonic))
            server.add(add_IntakeServiceServicer_to_server, IntakeService(intake, stopping=scope.stopping))
            server.add(
                add_SubjectAccessServiceServicer_to_server, SubjectAccessService(database, tokens, now=clock.now)
            )
            server.add(add_HealthServiceServicer_to_server, HealthService(database, admissions, tokens, now=clock.now))
            async with database.listening(DESTROYED, owners.forget, connected=owners.forget_all):
                settle_garbage()
                await server.serve(scope.stopping)
            await drops.flush()


def settle_garbage() -> None:
    """Leave what is loaded out of every collection; what a payload needs dies by reference count."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GARBAGE)


if __name__ == "__main__":
    sys.exit(tasks.run(serve))
