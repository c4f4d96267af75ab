"""Owns what every service needs and none owns: server, channel, identity, policy, errors, config, database, events.

It knows no service. A whole ``__main__.py``::

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Config:
        mesh: MeshConfig            # environment, ports, certificates, issuers, logs (mesh.settings)
        database: DatabaseConfig
        redis: RedisConfig
        ttl_seconds: float = setting("ORA_FLEET_TTL_SECONDS", default=60.0)

    async def serve(scope: Scope) -> None:
        config = load(Config)
        log.start("fleet", config.mesh)
        with telemetry.running("fleet", config.mesh):
            async with (
                open_database(config.database, application="fleet") as database,
                open_redis(config.redis) as redis,
                scope.background(),                  # what scope.start began has ended before the pool closes
            ):
                limiter = RateLimiter(redis, monotonic=clock.monotonic)
                server = Server(config.mesh, workload="fleet", limiter=limiter)
                server.add(hub_rpc.add_HubServiceServicer_to_server, HubService(database, now=clock.now, new_id=uuid7))
                scope.start("outbox", OutboxRelay(database, redis, schema="fleet").run())
                await server.serve(scope.stopping)   # until SIGTERM, then health NOT_SERVING and drain

    if __name__ == "__main__":
        sys.exit(tasks.run(serve))

A handler raises ``mesh.errors`` and never aborts; it learns who calls from ``current_call()``::

    async def RenameProject(self, request: pb.RenameProjectRequest, context: Context) -> pb.Project:
        call = current_call()                       # .peer, .person, .hub, .tenant, .subject, .deadline, .trace_id
        async with self._database.tenant(call.tenant) as tx:
            return await once(tx, "portal", pb.Project, partial(self._rename, tx, request))  # one effect a request_id

A client: a stub on a ``Channel``; deadline, retries and balancing come from the contract::

    async with Channel("fleet", config.fleet_targets, Certificates(config.mesh.cert_dir, "relay")) as channel:
        admission = await AdmissionServiceStub(channel).GetAdmission(pb.GetAdmissionRequest(hub_id=hub_id))

Failures of a call are ``grpc.aio.AioRpcError``; ``mesh.channel.reason_of(error)`` is their stable reason.
Migrations: ``fleet_svc/migrations/0001_title.sql``, run by ``python -m mesh.migrate fleet_svc``; ``-- mesh: outbox``,
``-- mesh: inbox``, ``-- mesh: request_record`` and ``-- mesh: job`` on a line of their own bring in those tables.
"""

import mesh.tls  # noqa: F401 - before anything of ours imports gRPC
