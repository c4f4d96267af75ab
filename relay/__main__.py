"""Owns the process: configuration, node, sockets, fleet client, server. Knows everybody, decides nothing."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import time
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from ora.fleet.v1.admission_service_pb2_grpc import AdmissionServiceStub
from ora.ingest.v1.intake_service_pb2_grpc import IntakeServiceStub
from ora.relay.v1.relay_operations_service_pb2_grpc import add_RelayOperationsServiceServicer_to_server
from ora.relay.v1.relay_service_pb2_grpc import add_RelayServiceServicer_to_server

from mesh import log, names, tasks, telemetry
from mesh.certs import Certificates
from mesh.channel import Channel
from mesh.config import load
from mesh.server import Server
from relay import metrics, workers
from relay.api.admissions import Admissions
from relay.api.operations import RelayOperationsService, Surroundings
from relay.api.relay_service import RelayService
from relay.api.telemetry import Forwarder
from relay.config import Config, address
from relay.io.shell import Shell
from relay.io.tls import TlsFiles
from relay.io.turns import TurnLoop
from relay.nodes.join import joined
from relay.routing.gates import shut_numbers
from relay.routing.node import Node
from relay.routing.route_header import HeaderGate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_LOG = log.get(__name__)
# A full collection looks at every connection; most of what is made in a turn dies by reference count.
_OLD_GENERATION_THRESHOLD = 1000


async def serve(scope: tasks.Scope) -> None:
    """Serve until told to stop, then send the Hubs away and end."""
    config = load(Config)
    log.start("relay", config.mesh)
    workers.hold_on(os.environ, scope.stopping.set)
    node = Node(
        limits=config.limits.limits(),
        gate=HeaderGate(shut_numbers(frozenset(config.open_gates))),
        now=time.monotonic(),
        wall=time.time(),
        server_reference=config.server_reference,
    )
    with telemetry.running("relay", config.mesh):
        async with Channel("fleet", config.fleet_targets, Certificates(config.mesh.cert_dir, "relay")) as fleet:
            admissions = Admissions(node, AdmissionServiceStub(fleet))
            scope.start("admission watch", admissions.run())
            server = Server(config.mesh, workload="relay")
            service = RelayService(node, admissions, heartbeat_seconds=config.heartbeat_seconds)
            server.add(add_RelayServiceServicer_to_server, service)
            shell = Shell(node, asyncio.get_running_loop())
            try:
                metrics.publish(node, shell)
                async with collecting(config, node, scope), joined(config, node, server, scope) as join:
                    if join is not None:
                        metrics.publish_join(join)
                    around = Surroundings(
                        drain=partial(begin_drain, scope, node, shell, config.mesh.drain_seconds),
                        directory_available=lambda: join is None or not join.keeper.away,
                    )
                    operations = RelayOperationsService(node, shell, name=config.mesh.node_id, surroundings=around)
                    server.add(add_RelayOperationsServiceServicer_to_server, operations)
                    await server.start()
                    listen(shell, config)
                    settle_garbage()
                    await scope.stopping.wait()
                    await server.set_serving(False)
                    await shell.drain(config.mesh.drain_seconds)
                    service.end_streams()
                    if join is not None:
                        join.service.end_streams()
                    await server.stop()
            finally:
                shell.close()
                await admissions.close()


@asynccontextmanager
async def collecting(config: Config, node: Node, scope: tasks.Scope) -> AsyncIterator[None]:
    """Forward telemetry, if there is somebody who takes it."""
    if not config.ingest_targets:
        yield
        return
    async with Channel("ingest", config.ingest_targets, Certificates(config.mesh.cert_dir, "relay")) as ingest:
        node.collector = Forwarder(node, IntakeServiceStub(ingest), most_waiting_bytes=config.telemetry_bytes)
        task = scope.start("telemetry", node.collector.run())
        try:
            yield
        finally:
            task.cancel()


def begin_drain(scope: tasks.Scope, node: Node, shell: Shell, seconds: float, spread: float | None) -> int:
    """Begin to send the Hubs away; return how many there are. The process goes on."""
    sessions = len(node.hubs)
    scope.start("drain", shell.drain(seconds if spread is None else spread))
    return sessions


def listen(shell: Shell, config: Config) -> None:
    """Open the doors that the configuration names."""
    certificates = config.mesh.cert_dir
    edge = certificates / "edge"
    files = TlsFiles(edge / "tls.crt", edge / "tls.key", certificates / "hub-ca.pem", certificates / "hub-crl.pem")
    port = shell.serve_hubs(*address(config.mqtt_listen), files, config.proxies)
    _LOG.info("listening for Hubs", port=port, **{names.ADDRESS: config.mqtt_listen})
    if config.bridge_listen:
        own = certificates / "relay"
        files = TlsFiles(own / "tls.crt", own / "tls.key", certificates / "mesh-ca.pem")
        port = shell.serve_bridges(*address(config.bridge_listen), files)
        _LOG.info("listening for bridges", port=port, **{names.ADDRESS: config.bridge_listen})


def settle_garbage() -> None:
    """Leave what is loaded out of every collection, and collect the old generation seldom."""
    gc.collect()
    gc.freeze()
    young, middle, _ = gc.get_threshold()
    gc.set_threshold(young, middle, _OLD_GENERATION_THRESHOLD)


def run() -> int:
    """Run this process's worker, or as many as are wanted; return the exit code."""
    try:
        count = workers.wanted(os.environ)
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return workers.run(count) if count > 1 else tasks.run(serve, TurnLoop)


if __name__ == "__main__":
    sys.exit(run())
