from __future__ import annotations

import asyncio
import socket
import ssl
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from grpc_channelz.v1 import channelz_pb2, channelz_pb2_grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from mesh import clock, errors
from mesh.call import current_call
from mesh.certs import Certificates
from mesh.identity import Workload, WorkloadName
from mesh.policy import PolicyError
from mesh.ratelimit import RateLimits
from mesh.server import Server
from mesh.settings import Environment, MeshConfig
from tests.contract.scratch.compiled import pb, rpc
from tests.integration.mesh.pki import Ca
from tests.integration.mesh.world import World, details, refused, world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

CANARY = "canary-7f3a9c"
ASK = pb.ReadRequest(name="a")


@pytest.fixture
async def w(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path, people=_Nobody()) as made:
        yield made


def _stub(kind: Any, channel: Any) -> Any:
    return kind(channel)


class _Nobody:
    async def verify(self, token: str) -> Any:
        del token
        raise errors.UnauthenticatedError("nobody", reason="TOKEN_INVALID")


async def test_all_four_shapes_answer(w: World) -> None:
    stub = w.stub("portal")

    async def names() -> AsyncIterator[Any]:
        for name in "xyz":
            yield pb.ReadRequest(name=name)

    assert (await stub.Read(ASK)).name == "a"
    assert [each.name async for each in stub.Watch(ASK)] == ["a0", "a1", "a2"]
    assert (await stub.Upload(names())).name == "xyz"
    assert [each.name async for each in stub.Chat(names())] == ["x", "y", "z"]


async def test_workload_that_is_not_named_is_refused(w: World) -> None:
    code, info = await refused(w.stub("relay").Read(ASK))
    assert (code, info.reason, info.domain) == (grpc.StatusCode.PERMISSION_DENIED, "CALLER_NOT_ALLOWED", "ora")
    stream = w.stub("relay").Watch(ASK)
    assert (await refused(stream.read()))[1].reason == "CALLER_NOT_ALLOWED"


async def test_hub_certificate_and_foreign_name_are_no_workloads(w: World) -> None:
    bad = {
        "hub": ("urn:uuid:0192d1c0-5f3e-7cc1-8000-0242ac120002",),
        "foreign": ("spiffe://other/portal",),
        "two": ("spiffe://ora/portal", "spiffe://ora/gateway"),
        "deep": ("spiffe://ora/portal/x",),
        "case": ("spiffe://ora/Portal",),
    }
    for name, uris in bad.items():
        w.ca.issue(w.certs, name, uris=uris)
        code, info = await refused(w.stub(name).Read(ASK))
        assert (code, info.reason) == (grpc.StatusCode.UNAUTHENTICATED, "PEER_UNKNOWN"), name


async def test_certificate_of_another_authority_does_not_connect(w: World, tmp_path: Path) -> None:
    other = tmp_path / "other"
    Ca.make("other").issue(other, "portal")
    (other / "mesh-ca.pem").write_bytes(w.ca.pem)
    bundle = Certificates(other, "portal").current()
    credentials = grpc.ssl_channel_credentials(bundle.authorities, bundle.key, bundle.chain)
    options = [("grpc.ssl_target_name_override", "fleet")]
    async with grpc.aio.secure_channel(f"127.0.0.1:{w.server.port}", credentials, options=options) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await rpc.ScratchServiceStub(channel).Read(ASK, timeout=5)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize(
    ("version", "works"), [(ssl.TLSVersion.TLSv1_2, False), (ssl.TLSVersion.TLSv1_3, True)], ids=["1.2", "1.3"]
)
async def test_server_speaks_tls_1_3_alone(w: World, version: ssl.TLSVersion, *, works: bool) -> None:
    context = ssl.create_default_context(cafile=str(w.certs / "mesh-ca.pem"))
    context.load_cert_chain(w.certs / "portal" / "tls.crt", w.certs / "portal" / "tls.key")
    context.minimum_version = context.maximum_version = version
    context.set_alpn_protocols(["h2"])

    def connect() -> bool:
        try:
            with (
                socket.create_connection(("127.0.0.1", w.server.port)) as plain,
                context.wrap_socket(plain, server_hostname="fleet") as secure,
            ):
                return bool(secure.recv(1))
        except ssl.SSLError:
            return False

    assert await asyncio.to_thread(connect) is works


@pytest.mark.parametrize(
    ("version", "spoken"), [(ssl.TLSVersion.TLSv1_2, None), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")], ids=["1.2", "1.3"]
)
async def test_client_speaks_tls_1_3_alone(w: World, version: ssl.TLSVersion, spoken: str | None) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(w.certs / "fleet" / "tls.crt", w.certs / "fleet" / "tls.key")
    context.set_alpn_protocols(["h2"])
    context.maximum_version = version

    def accept(listener: socket.socket) -> str | None:
        plain, _ = listener.accept()
        plain.settimeout(5)
        try:
            with context.wrap_socket(plain, server_side=True) as secure:
                return secure.version()
        except (ssl.SSLError, OSError):
            return None
        finally:
            plain.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(5)
        accepted = asyncio.ensure_future(asyncio.to_thread(accept, listener))
        w.server.port = listener.getsockname()[1]
        with pytest.raises(grpc.aio.AioRpcError):
            await w.stub("portal").Read(ASK, timeout=1)
        assert await accepted == spoken


@pytest.mark.parametrize("swap", ["files", "folder"])
async def test_new_certificate_is_served_without_restart(tmp_path: Path, swap: str) -> None:
    def serial(port: int) -> int:
        context = ssl.create_default_context(cafile=str(tmp_path / "certs" / "mesh-ca.pem"))
        context.load_cert_chain(tmp_path / "certs/portal/tls.crt", tmp_path / "certs/portal/tls.key")
        with (
            socket.create_connection(("127.0.0.1", port)) as plain,
            context.wrap_socket(plain, server_hostname="fleet") as secure,
        ):
            return int((secure.getpeercert() or {})["serialNumber"], 16)  # type: ignore[arg-type]

    async with world(tmp_path / "certs", people=_Nobody()) as made:
        stub = made.stub("portal")
        before = await asyncio.to_thread(serial, made.server.port)
        await stub.Read(ASK)
        if swap == "files":
            fresh = made.ca.issue(tmp_path / "certs", "fleet")
        else:
            fresh = made.ca.issue(tmp_path / "next", "fleet")
            (tmp_path / "certs" / "fleet").rename(tmp_path / "old")
            (tmp_path / "certs" / "fleet").symlink_to(tmp_path / "next" / "fleet")
        assert await asyncio.to_thread(serial, made.server.port) == fresh != before
        await stub.Read(ASK)


async def test_client_takes_its_new_certificate_for_new_calls(tmp_path: Path) -> None:
    moment = [0.0]
    async with world(tmp_path, people=_Nobody()) as made:
        channel = made.channel("portal", monotonic=lambda: moment[0])
        stub = made.stub("portal")
        running = stub.Watch(pb.ReadRequest(name="forever"))
        assert (await running.read()).name == "forever0"
        made.ca.issue(tmp_path, "portal", uris=("spiffe://ora/relay",))
        assert (await stub.Read(ASK)).name == "a"
        moment[0] += 2
        assert (await refused(stub.Read(ASK)))[1].reason == "CALLER_NOT_ALLOWED"
        assert channel.generation == 2
        assert (await running.read()).name == "forever1"
        running.cancel()


async def test_half_replaced_certificate_is_not_taken(tmp_path: Path) -> None:
    ca = Ca.make()
    ca.issue(tmp_path, "fleet")
    certificates = Certificates(tmp_path, "fleet")
    before = certificates.current().fingerprint
    old_key = (tmp_path / "fleet" / "tls.key").read_bytes()
    ca.issue(tmp_path, "fleet")
    new_key = (tmp_path / "fleet" / "tls.key").read_bytes()
    (tmp_path / "fleet" / "tls.key").write_bytes(old_key)
    assert certificates.current().fingerprint == before
    (tmp_path / "fleet" / "tls.key").unlink()
    assert certificates.current().fingerprint == before
    (tmp_path / "fleet" / "tls.key").write_bytes(new_key)
    assert certificates.current().fingerprint != before


def test_server_without_a_policy_for_each_method_does_not_start(tmp_path: Path) -> None:
    async def build() -> None:
        Ca.make().issue(tmp_path, "fleet")
        config = MeshConfig(environment=Environment.DEV, grpc_listen="127.0.0.1:0", cert_dir=tmp_path)
        server = Server(config, workload="fleet")
        with pytest.raises(PolicyError, match="Forgotten"):
            server.add(rpc.add_OpenServiceServicer_to_server, rpc.OpenServiceServicer())
        with pytest.raises(PolicyError, match="no issuer"):
            server.add(rpc.add_ScratchServiceServicer_to_server, rpc.ScratchServiceServicer())

    asyncio.run(build())


async def test_unknown_exception_becomes_bare_internal(w: World, capsys: pytest.CaptureFixture[str]) -> None:
    async def fail(request: Any, context: Any) -> None:
        del request, context
        raise ValueError(CANARY)

    w.scratch.handler = fail
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await w.stub("portal").Read(ASK)
    assert caught.value.code() is grpc.StatusCode.INTERNAL
    assert caught.value.details() == "internal error"
    info = details(caught.value)["ErrorInfo"]
    assert info.reason == "INTERNAL"
    assert set(info.metadata) == {"trace_id"}
    assert len(info.metadata["trace_id"]) == 32
    assert CANARY not in repr(caught.value)
    stream = w.stub("portal").Watch(pb.ReadRequest(name="broken"))
    with pytest.raises(grpc.aio.AioRpcError) as streamed:
        _ = [each async for each in stream]
    assert details(streamed.value)["ErrorInfo"].reason == "INTERNAL"
    assert "ValueError" in capsys.readouterr().out


async def test_detail_of_our_own_bug_stays_inside(w: World) -> None:
    async def fail(request: Any, context: Any) -> None:
        del request, context
        raise errors.InternalError(CANARY, where=CANARY)

    w.scratch.handler = fail
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await w.stub("portal").Read(ASK)
    assert CANARY not in repr(caught.value)
    assert CANARY not in str(details(caught.value))


@pytest.mark.parametrize("way", ["abort", "set_code"])
async def test_status_set_by_hand_conforms(w: World, way: str) -> None:
    async def fail(request: Any, context: Any) -> Any:
        del request
        if way == "abort":
            await context.abort(grpc.StatusCode.NOT_FOUND, CANARY)
        context.set_details(CANARY)
        context.set_code(grpc.StatusCode.NOT_FOUND)
        return pb.Thing()

    w.scratch.handler = fail
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await w.stub("portal").Read(ASK)
    assert details(caught.value)["ErrorInfo"].reason == "NOT_FOUND"
    assert CANARY not in str(caught.value)


async def test_details_of_each_failure_travel(w: World) -> None:
    async def fail(request: Any, context: Any) -> None:
        del context
        raise {
            "state": errors.StateConflictError("no", reason="PROJECT_LOCKED", lock_epoch=7, resource="projects/1"),
            "limit": errors.ResourceExhaustedError("no", quota="WRITE", retry_after=timedelta(seconds=3)),
            "field": errors.InvalidArgumentError.field("name", "is odd"),
        }[request.name]

    w.scratch.handler = fail
    found = {}
    for name in ("state", "limit", "field"):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await w.stub("portal").Read(pb.ReadRequest(name=name))
        found[name] = details(caught.value)
    assert found["state"]["ErrorInfo"].metadata["lock_epoch"] == "7"
    assert found["state"]["PreconditionFailure"].violations[0].type == "PROJECT_LOCKED"
    assert found["limit"]["RetryInfo"].retry_delay.seconds == 3
    assert found["limit"]["QuotaFailure"].violations[0].subject == "WRITE"
    assert found["field"]["BadRequest"].field_violations[0].field == "name"


async def test_shape_is_checked_with_the_path_of_each_field(w: World) -> None:
    wrong = pb.ReadRequest(name="x" * 65, ids=[b"0" * 16, b"short"])
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await w.stub("portal").Read(wrong)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    found = details(caught.value)
    assert found["ErrorInfo"].reason == "INVALID_ARGUMENT"
    assert [each.field for each in found["BadRequest"].field_violations] == ["name", "ids[1]"]

    async def second_is_wrong() -> AsyncIterator[Any]:
        yield ASK
        yield wrong

    assert (await refused(w.stub("portal").Upload(second_is_wrong())))[1].reason == "INVALID_ARGUMENT"


async def test_bytes_that_are_no_message_are_refused_like_all_else(w: World) -> None:
    call: Any = w.channel("portal").unary_unary("/scratch.v1.ScratchService/Read")
    code, info = await refused(call(b"\xff\xff"))
    assert (code, info.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "REQUEST_MALFORMED")


async def test_unknown_method_carries_error_info(w: World) -> None:
    call: Any = w.channel("portal").current().unary_unary("/scratch.v1.ScratchService/Gone")
    code, info = await refused(call(b"", timeout=5))
    assert (code, info.reason) == (grpc.StatusCode.UNIMPLEMENTED, "METHOD_UNKNOWN")


async def test_answer_comes_before_the_deadline_and_says_so(w: World) -> None:
    cancelled = asyncio.Event()

    async def slow(request: Any, context: Any) -> None:
        del request, context
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    w.scratch.handler = slow
    code, info = await refused(w.stub("portal").Read(ASK, timeout=0.4))
    assert (code, info.reason) == (grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED")
    await asyncio.wait_for(cancelled.wait(), 1)


async def test_contract_deadline_holds_when_the_caller_has_more_time(w: World) -> None:
    async def slow(request: Any, context: Any) -> None:
        del request, context
        await asyncio.Event().wait()

    w.scratch.handler = slow
    started = clock.monotonic()
    call: Any = w.channel("gateway").current().unary_unary("/scratch.v1.ScratchService/Public")
    assert (await refused(call(ASK.SerializeToString(), timeout=30)))[1].reason == "DEADLINE_EXCEEDED"
    assert clock.monotonic() - started < 2


async def test_work_that_cannot_be_done_in_time_is_not_begun(w: World) -> None:
    ran = []

    async def note(request: Any, context: Any) -> Any:
        del context
        ran.append(request)
        return pb.Thing()

    w.scratch.handler = note
    await w.stub("portal").Read(ASK)
    assert (await refused(w.stub("portal").Read(ASK, timeout=0.09)))[1].reason == "DEADLINE_TOO_SHORT"
    assert len(ran) == 1


async def test_timeout_of_the_handlers_own_is_not_the_deadline(w: World) -> None:
    async def fail(request: Any, context: Any) -> None:
        del request, context
        async with asyncio.timeout(0):
            await asyncio.Event().wait()

    w.scratch.handler = fail
    assert (await refused(w.stub("portal").Read(ASK)))[1].reason == "INTERNAL"


async def test_cancelled_call_cancels_its_handler(w: World) -> None:
    entered, cancelled = asyncio.Event(), asyncio.Event()

    async def slow(request: Any, context: Any) -> None:
        del request, context
        entered.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    w.scratch.handler = slow
    call = w.stub("portal").Read(ASK)
    waiter = asyncio.ensure_future(call)
    await asyncio.wait_for(entered.wait(), 2)
    call.cancel()
    await asyncio.wait_for(cancelled.wait(), 2)
    with pytest.raises(asyncio.CancelledError):
        await waiter


async def test_clock_that_is_far_off_is_refused(w: World) -> None:
    call: Any = w.channel("portal").current().unary_unary("/scratch.v1.ScratchService/Read")
    now = clock.now().timestamp() * 1000
    for sent in (str(int(now) - 660_000), str(int(now) + 660_000), "soon", "9" * 30):
        reason = (await refused(call(b"", timeout=5, metadata=(("x-ora-sent-ms", sent),))))[1].reason
        assert reason == "CLOCK_SKEW", sent
    await call(b"", timeout=5, metadata=(("x-ora-sent-ms", str(int(now) - 500_000)),))


async def test_client_says_when_it_sent(w: World) -> None:
    w.channel("portal", now=lambda: clock.now() - timedelta(minutes=11))
    assert (await refused(w.stub("portal").Read(ASK)))[1].reason == "CLOCK_SKEW"


async def test_full_server_says_so(tmp_path: Path) -> None:
    release = asyncio.Event()

    async def wait(request: Any, context: Any) -> Any:
        del request, context
        await release.wait()
        return pb.Thing()

    async with world(tmp_path, config={"max_concurrent_calls": 2}, people=_Nobody()) as made:
        made.scratch.handler = wait
        stub = made.stub("portal")
        raw: Any = made.channel("relay").current().unary_unary("/scratch.v1.ScratchService/Read")
        running = [asyncio.ensure_future(stub.Read(ASK)) for _ in range(2)]
        while made.server.load < 2:  # noqa: ASYNC110 - the other side is a server
            await asyncio.sleep(0.01)
        code, info = await refused(raw(b"", timeout=2))
        assert (code, info.reason) == (grpc.StatusCode.UNAVAILABLE, "OVERLOADED")
        release.set()
        await asyncio.gather(*running)
        assert made.server.load == 0


async def test_streams_of_one_subject_are_limited_in_number(tmp_path: Path) -> None:
    async with world(tmp_path, config={"rate_limits": RateLimits(streams=2)}, people=_Nobody()) as made:
        stub = made.stub("portal")
        open_streams = [stub.Watch(pb.ReadRequest(name="forever")) for _ in range(2)]
        for each in open_streams:
            await each.read()
        code, info = await refused(stub.Watch(ASK).read())
        assert (code, info.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "RATE_LIMITED")
        open_streams[0].cancel()
        while made.server.load > 1:  # noqa: ASYNC110 - the other side is a server
            await asyncio.sleep(0.01)
        assert (await stub.Watch(ASK).read()).name == "a0"
        open_streams[1].cancel()


async def test_handler_learns_who_calls(w: World) -> None:
    seen = []

    async def look(request: Any, context: Any) -> Any:
        del request, context
        seen.append(current_call())
        return pb.Thing()

    w.scratch.handler = look
    await w.stub("portal").Read(ASK)
    assert seen[0].peer == Workload(WorkloadName("portal"))
    assert seen[0].subject == seen[0].peer
    with pytest.raises(errors.InternalError):
        _ = seen[0].person
    with pytest.raises(errors.InternalError):
        _ = seen[0].tenant


async def test_call_within_a_call_has_no_more_time_than_its_own(w: World) -> None:
    left = []

    async def nested(request: Any, context: Any) -> Any:
        left.append(context.time_remaining())
        if request.name == "outer":
            return await w.stub("gateway").Read(pb.ReadRequest(name="inner"))
        return pb.Thing(name="inner")

    w.scratch.handler = nested
    assert (await w.stub("portal").Read(pb.ReadRequest(name="outer"), timeout=0.5)).name == "inner"
    assert left[1] < left[0] - 0.02


async def test_health_is_told_to_every_workload_and_to_nobody_else(w: World) -> None:
    stub = _stub(health_pb2_grpc.HealthStub, w.channel("relay"))
    for service in ("", "scratch.v1.ScratchService"):
        answer = await stub.Check(health_pb2.HealthCheckRequest(service=service))
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
    assert (await refused(stub.Check(health_pb2.HealthCheckRequest(service="x"))))[1].reason == "NOT_FOUND"
    w.ca.issue(w.certs, "stranger")
    other = _stub(health_pb2_grpc.HealthStub, w.channel("stranger"))
    assert (await refused(other.Check(health_pb2.HealthCheckRequest())))[1].reason == "CALLER_NOT_ALLOWED"


async def _listed(w: World, workload: str) -> set[str]:
    stub = _stub(reflection_pb2_grpc.ServerReflectionStub, w.channel(workload))

    async def ask() -> AsyncIterator[reflection_pb2.ServerReflectionRequest]:
        yield reflection_pb2.ServerReflectionRequest(list_services="")

    answers = [each async for each in stub.ServerReflectionInfo(ask())]
    return {each.name for each in answers[0].list_services_response.service}


async def test_reflection_and_channelz_are_for_the_operator_in_dev(w: World) -> None:
    assert "scratch.v1.ScratchService" in await _listed(w, "operator")
    servers = await _stub(channelz_pb2_grpc.ChannelzStub, w.channel("operator")).GetServers(
        channelz_pb2.GetServersRequest()
    )
    assert len(servers.server) >= 1
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await _listed(w, "portal")
    assert details(caught.value)["ErrorInfo"].reason == "CALLER_NOT_ALLOWED"


async def test_there_is_no_reflection_outside_dev(tmp_path: Path) -> None:
    async with world(tmp_path, config={"environment": Environment.PRODUCTION}, people=_Nobody()) as made:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await _listed(made, "operator")
        assert details(caught.value)["ErrorInfo"].reason == "METHOD_UNKNOWN"
        channelz = _stub(channelz_pb2_grpc.ChannelzStub, made.channel("operator"))
        info = (await refused(channelz.GetServers(channelz_pb2.GetServersRequest())))[1]
        assert info.reason == "METHOD_UNKNOWN"


async def test_drain_lets_running_calls_end(w: World) -> None:
    entered, release = asyncio.Event(), asyncio.Event()

    async def wait(request: Any, context: Any) -> Any:
        del request, context
        entered.set()
        await release.wait()
        return pb.Thing(name="done")

    w.scratch.handler = wait
    running = asyncio.ensure_future(w.stub("portal").Read(ASK))
    await entered.wait()
    stopping = asyncio.ensure_future(w.server.stop())
    await asyncio.sleep(0.05)
    release.set()
    assert (await running).name == "done"
    await stopping
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await w.stub("portal").Read(ASK, timeout=0.5)
    assert caught.value.code() in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED}


async def test_drain_is_told_to_who_watches_health(w: World) -> None:
    watch = _stub(health_pb2_grpc.HealthStub, w.channel("relay")).Watch(health_pb2.HealthCheckRequest())
    assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING
    stopping = asyncio.ensure_future(w.server.stop())
    assert (await watch.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
    watch.cancel()
    await stopping


async def test_two_servers_do_not_share_a_port(w: World) -> None:
    config = MeshConfig(
        environment=Environment.DEV, grpc_listen=f"127.0.0.1:{w.server.port}", cert_dir=w.certs, drain_seconds=0
    )
    second = Server(config, workload="fleet")
    with pytest.raises(RuntimeError):
        await second.start()
    await second.stop()


async def test_message_that_is_too_large_is_refused(tmp_path: Path) -> None:
    async with world(tmp_path, config={"max_message_bytes": 1000}, people=_Nobody()) as made:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await made.stub("portal").Read(pb.ReadRequest(ids=[b"0" * 16] * 100))
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert (await made.stub("portal").Read(ASK)).name == "a"
