"""Owns the process: configuration, pool, clients, jobs, server. Knows everybody, decides nothing."""

from __future__ import annotations

import sys

import httpx

from mesh import clock, log, tasks, telemetry
from mesh.certs import Certificates
from mesh.channel import Channel
from mesh.config import load
from mesh.db import open_database
from mesh.jobs import Jobs
from mesh.kms_choice import open_kms
from mesh.outbox import OutboxRelay
from mesh.ratelimit import RateLimiter
from mesh.redis import open_redis
from mesh.server import Server
from portal_svc.config import Config
from portal_svc.feed import Feed
from portal_svc.jobs.sweeping import jobs_of
from portal_svc.jobs.worker import Worker
from portal_svc.register import HttpRegister
from portal_svc.registry import FleetRegistry
from portal_svc.services import PURPOSES, Outside, assemble


async def serve(scope: tasks.Scope) -> None:
    """Serve until told to stop."""
    config = load(Config)
    log.start("portal", config.mesh)
    with telemetry.running("portal", config.mesh):
        async with (
            open_database(config.database, application="portal") as database,
            open_redis(config.redis) as redis,
            httpx.AsyncClient(trust_env=False) as web,
            Channel("fleet", config.fleet_targets, Certificates(config.mesh.cert_dir, "portal")) as fleet,
            scope.background(),
        ):
            outbox, feed = OutboxRelay(database, redis, schema="portal"), Feed(redis)
            limiter = RateLimiter(redis, monotonic=clock.monotonic)
            outside = Outside(
                database=database,
                kms=open_kms(config.kms, *PURPOSES),
                registry=FleetRegistry(fleet),
                register=HttpRegister(config.license_register, client=web),
                limiter=limiter,
                objects=config.objects.open(),
                feed=feed,
            )
            portal = assemble(config, outside)
            scope.start("outbox", outbox.run())
            scope.start("feed", feed.run())
            jobs = (*jobs_of(database, outbox, portal.checkpoints), *portal.rooms.jobs)
            scope.start("jobs", Jobs(database, "portal", now=clock.now).run(*jobs))
            scope.start("tasks", Worker(database, portal.tasks(), now=clock.now).run())
            server = Server(config.mesh, workload="portal", limiter=limiter, api_tokens=portal.rooms.verifier)
            for register, servicer in portal.handlers:
                server.add(register, servicer)
            await server.serve(scope.stopping)


if __name__ == "__main__":
    sys.exit(tasks.run(serve))
