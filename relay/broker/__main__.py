"""Owns the process of the general broker for MQTT conformance suites: `python -m relay.broker`. Decides nothing.

It is the relay's core with an open policy, and never a part of a relay that Hubs use (ADR 27).
"""

from __future__ import annotations

import asyncio
import sys
import time

from mesh import log, tasks
from mesh.config import load
from mesh.settings import LogFormat
from relay.broker.broker import open_node
from relay.broker.config import BrokerConfig
from relay.config import address
from relay.io.shell import Shell
from relay.io.tls import TlsFiles

_LOG = log.get(__name__)


async def serve(scope: tasks.Scope) -> None:
    """Serve until told to stop."""
    config = load(BrokerConfig)
    log.configure(service="conformance", level=config.log_level, json=config.log_format is LogFormat.JSON)
    node = open_node(config.broker.limits(), now=time.monotonic(), wall=time.time())
    shell = Shell(node, asyncio.get_running_loop())
    certificates = config.cert_dir
    edge = certificates / "edge"
    files = TlsFiles(edge / "tls.crt", edge / "tls.key", certificates / "hub-ca.pem", certificates / "hub-crl.pem")
    try:
        for listen, believed in ((config.broker.listen, None), (config.broker.tls_listen, files)):
            if listen:
                port = shell.serve_anybody(*address(listen), believed)
                _LOG.warning("listening for conformance suites: any client, any topic", port=port)
        await scope.stopping.wait()
    finally:
        shell.close()


if __name__ == "__main__":
    sys.exit(tasks.run(serve))
