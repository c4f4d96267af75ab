"""Traces and metrics of a real call, in a process of its own: providers are set once a process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_PROGRAM = """
import mesh, asyncio, sys, tempfile, pathlib, urllib.request, re
from dataclasses import replace
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from mesh import telemetry, log
from mesh.call import current_call
from mesh.settings import Environment, MeshConfig
from tests.contract.scratch.compiled import pb
from tests.integration.mesh.backends import free_port
from tests.integration.mesh.world import refused, world

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
port = free_port(22140)
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
    def get(accept="text/plain"):
        asked = urllib.request.Request(f"http://127.0.0.1:{port}/metrics", headers={"accept": accept})
        return urllib.request.urlopen(asked, timeout=5).read().decode()
    text = await asyncio.to_thread(get)
    read = 'method="/scratch.v1.ScratchService/Read"'
    assert re.search(r'ora_rpc_server_seconds_count\\{.*code="OK".*' + read + r'.*\\} 3', text), text
    assert re.search(r'ora_rpc_server_failures(_total)?\\{.*reason="CALLER_NOT_ALLOWED"', text), text
    assert 'le="0.0025"' in text
    assert "canary-5d1" not in text
    families = {each.name: each for each in text_string_to_metric_families(await asyncio.to_thread(get, OPENMETRICS))}
    calls = families["ora_rpc_server_seconds"].samples
    shown = [each for each in calls if each.exemplar]
    assert given in {each.exemplar.labels["trace_id"] for each in shown}, calls
    assert all(set(each.exemplar.labels) == {"trace_id"} for each in shown), shown
    assert all(each.name.endswith("_bucket") and each.exemplar.value <= float(each.labels["le"]) for each in shown)

log.configure(service="t", level="error")
with telemetry.running("t", config):
    asyncio.run(main())
print("done")
"""


_EXPORT = """
import mesh, asyncio, re, sys, threading
from concurrent import futures
from pathlib import Path
import grpc
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as m, metrics_service_pb2_grpc as m_rpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as t, trace_service_pb2_grpc as t_rpc
from prometheus_client import REGISTRY
from prometheus_client.openmetrics.exposition import generate_latest
from mesh import telemetry
from mesh.settings import Environment, MeshConfig

spans, metrics = [], []
class Traces(t_rpc.TraceServiceServicer):
    def Export(self, request, context):
        found = (s for r in request.resource_spans for each in r.scope_spans for s in each.spans)
        spans.extend((s.name, s.trace_id.hex()) for s in found)
        return t.ExportTraceServiceResponse()
class Metrics(m_rpc.MetricsServiceServicer):
    def Export(self, request, context):
        metrics.extend(s.name for r in request.resource_metrics for each in r.scope_metrics for s in each.metrics)
        return m.ExportMetricsServiceResponse()
server = grpc.server(futures.ThreadPoolExecutor(2))
t_rpc.add_TraceServiceServicer_to_server(Traces(), server)
m_rpc.add_MetricsServiceServicer_to_server(Metrics(), server)
port = server.add_insecure_port("127.0.0.1:0")
server.start()
config = MeshConfig(environment=Environment.DEV, grpc_listen="x:1", cert_dir=Path("/x"), trace_ratio=1.0,
                    otlp_endpoint=f"http://127.0.0.1:{port}")
with telemetry.running("t", config):
    telemetry.meter.create_counter("ora_test").add(1)
    duration = telemetry.meter.create_histogram("ora_test_seconds", "s")
    with telemetry.tracer.start_as_current_span("a span"):
        duration.record(0.02, {"method": "m"})
    duration.record(99.0, {"method": "m"})
    text = generate_latest(REGISTRY).decode()
server.stop(0).wait()
assert [name for name, _ in spans] == ["a span"], spans
assert re.findall('"} [0-9.]+ # ({.*}) ([0-9.]+) ', text) == [('{trace_id="%s"}' % spans[0][1], "0.02")], text
assert re.search('le="0.025".*method="m".*} 1.0 # {', text), text
assert "ora_test_seconds" not in generate_latest(REGISTRY).decode()
assert "ora_test" in metrics, metrics
print("done")
"""


def test_traces_and_metrics_are_sent_where_an_endpoint_is_set(tmp_path: Path) -> None:
    _run(_EXPORT, tmp_path)


def test_call_is_traced_and_measured(tmp_path: Path) -> None:
    _run(_PROGRAM, tmp_path)


def _run(program: str, folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, folder],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[3],
        check=False,
        timeout=60,
    )
    assert done.stdout.endswith("done\n"), done.stderr[-3000:] + done.stdout[-3000:]
