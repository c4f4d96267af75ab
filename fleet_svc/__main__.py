"""Owns the process: configuration, pool, clock, feed, handlers, server. Knows everybody, decides nothing."""

from __future__ import annotations

import sys
from datetime import timedelta
from functools import partial

from ora.fleet.v1.admission_service_pb2_grpc import add_AdmissionServiceServicer_to_server
from ora.fleet.v1.certificate_authority_service_pb2_grpc import add_CertificateAuthorityServiceServicer_to_server
from ora.fleet.v1.certificate_service_pb2_grpc import add_CertificateServiceServicer_to_server
from ora.fleet.v1.cohort_service_pb2_grpc import add_CohortServiceServicer_to_server
from ora.fleet.v1.hub_record_service_pb2_grpc import add_HubRecordServiceServicer_to_server
from ora.fleet.v1.hub_service_pb2_grpc import add_HubServiceServicer_to_server
from ora.fleet.v1.manifest_service_pb2_grpc import add_ManifestServiceServicer_to_server
from ora.fleet.v1.update_hold_service_pb2_grpc import add_UpdateHoldServiceServicer_to_server

from fleet_svc import firmware
from fleet_svc.api.admissions import AdmissionService
from fleet_svc.api.certificate_authorities import CertificateAuthorityService
from fleet_svc.api.certificates import CertificateService
from fleet_svc.api.cohorts import CohortService
from fleet_svc.api.events import HubEvents
from fleet_svc.api.hub_records import HubRecordService
from fleet_svc.api.hubs import HubService
from fleet_svc.api.issuing import Issuer
from fleet_svc.api.manifest_service import ManifestService
from fleet_svc.api.portal_events import PortalEvents
from fleet_svc.api.update_holds import UpdateHoldService
from fleet_svc.auditing import AuditedDatabase, audited
from fleet_svc.config import Config, challenge_key_of, online_key_of, signers_of, trust_key_of
from fleet_svc.feed import AdmissionFeed
from fleet_svc.jobs import jobs_of
from fleet_svc.publishing import Publisher
from fleet_svc.steering import Steering
from fleet_svc.store import admission_changes
from mesh import clock, ids, log, tasks, telemetry
from mesh.config import load
from mesh.consumer import Consumer
from mesh.db import open_database
from mesh.jobs import Jobs
from mesh.outbox import OutboxRelay
from mesh.ratelimit import RateLimiter
from mesh.redis import open_redis
from mesh.server import Server


async def serve(scope: tasks.Scope) -> None:
    """Serve until told to stop."""
    config = load(Config)
    log.start("fleet", config.mesh)
    with telemetry.running("fleet", config.mesh):
        async with (
            open_database(config.database, application="fleet") as database,
            open_redis(config.redis) as redis,
            scope.background(),
        ):
            kept = AuditedDatabase(database, now=clock.now)
            outbox = OutboxRelay(database, redis, schema="fleet")
            scope.start("outbox", outbox.run())
            manifests = ManifestService(kept, now=clock.now)
            portal = Consumer(
                database,
                redis,
                PortalEvents(now=clock.now).take,
                source="portal",
                schema="fleet",
                name="fleet",
                node=config.mesh.node_id or "fleet",
            )
            scope.start("portal events", portal.run())
            events = HubEvents(now=clock.now, new_id=ids.uuid7)
            publisher, steering = Publisher(online_key_of(config)), Steering(events)
            jobs = jobs_of(database, outbox, manifests, portal, publisher, steering, events)
            scope.start("jobs", Jobs(database, "fleet", now=clock.now).run(*jobs))
            feed = AdmissionFeed(
                partial(admission_changes.listen, config.database),
                lost=admission_changes.LOST,
                heartbeat_seconds=config.heartbeat_seconds,
                queue_bound=config.watch_queue,
            )
            scope.start("admission feed", feed.run(scope.stopping))
            records = HubRecordService(kept, events, now=clock.now, open_gates=config.open_gates)
            signers = signers_of(config)
            issuer = Issuer(signers, life=timedelta(days=config.certificate_days), now=clock.now)
            key = challenge_key_of(config)
            certificates = CertificateService(kept, events, issuer, now=clock.now, challenge_key=key)
            limiter = RateLimiter(redis, monotonic=clock.monotonic)
            server = Server(config.mesh, workload="fleet", limiter=limiter)
            server.add(add_HubServiceServicer_to_server, audited(HubService(kept, events, now=clock.now)))
            server.add(add_ManifestServiceServicer_to_server, audited(manifests))
            server.add(add_CertificateServiceServicer_to_server, audited(certificates))
            authorities = CertificateAuthorityService(kept, signers, now=clock.now, trust_key=trust_key_of(config))
            server.add(add_CertificateAuthorityServiceServicer_to_server, audited(authorities))
            server.add(add_HubRecordServiceServicer_to_server, audited(records))
            server.add(add_UpdateHoldServiceServicer_to_server, audited(UpdateHoldService(kept, now=clock.now)))
            firmware.add(server, config, kept, events, publisher, steering)
            server.add(add_AdmissionServiceServicer_to_server, audited(AdmissionService(kept, feed)))
            server.add(add_CohortServiceServicer_to_server, audited(CohortService(kept)))
            await server.serve(scope.stopping)


if __name__ == "__main__":
    sys.exit(tasks.run(serve))
