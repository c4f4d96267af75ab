"""Traces and metrics of a real call, in a process of its own: providers are set once a process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_PROGRAM = """
import mesh, asyncio, sys, tempfile, pathlib, urllib.request, re
from dataclasses import replace
from mesh import telemetry, log
from mesh.call import current_call
from mesh.settings import Environment, MeshConfig
from tests.contract.scratch.compiled import pb
from tests.integration.mesh.backends import free_port
from tests.integration.mesh.world import refused, world

port = free_port(22500)
folder = pathlib.Path(sys.argv[1])
config = MeshConfig(environment=Environment.DEV, grpc_listen="x:1", cert_dir=folder, metrics_listen=f"127.0.0.1:{port}")

async def main():
    async with world(folder, people=object()) as w:
        seen = []
        async def look(request, context):
            seen.append(current_call().trace_id)
            if request.name == "nest":
                return await w.stub("gateway").Read(pb.ReadRequest(name="in"))
            return pb.Thing()
        w.scratch.handler = look
        await w.stub("portal").Read(pb.ReadRequest(name="nest"))
        given = "ab" * 16
        call = w.channel("portal").current().unary_unary("/scratch.v1.ScratchService/Read")
        await call(b"", timeout=5, metadata=(("traceparent", f"00-{given}-{'cd' * 8}-01"),))
        code, info = await refused(w.stub("relay").Read(pb.ReadRequest(name="canary-5d1")))
        assert len(seen) == 3, seen
        assert seen[0] == seen[1] != "", seen
        assert seen[2] == given, seen
        assert re.fullmatch("[0-9a-f]{32}", info.metadata["trace_id"])
    def get():
        return urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5).read().decode()
    text = await asyncio.to_thread(get)
    read = 'method="/scratch.v1.ScratchService/Read"'
    assert re.search(r'ora_rpc_server_seconds_count\\{.*code="OK".*' + read + r'.*\\} 3', text), text
    assert re.search(r'ora_rpc_server_failures(_total)?\\{.*reason="CALLER_NOT_ALLOWED"', text), text
    assert 'le="0.0025"' in text
    assert "canary-5d1" not in text

log.configure(service="t", level="error")
with telemetry.running("t", config):
    asyncio.run(main())
print("done")
"""


def test_call_is_traced_and_measured(tmp_path: Path) -> None:
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", _PROGRAM, tmp_path],
        capture_output=True,
        text=True,
        cwd=root,
        check=False,
        timeout=60,
    )
    assert done.stdout.endswith("done\n"), done.stderr[-3000:] + done.stdout[-3000:]
