"""What a client does by itself: balance, retry what may be repeated, and nothing else."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from mesh import channel as channels
from mesh import errors
from mesh.certs import Certificates
from mesh.channel import Channel, reason_of
from tests.contract.scratch.compiled import pb, rpc
from tests.integration.mesh.backends import free_port
from tests.integration.mesh.world import World, refused, world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

ASK = pb.ReadRequest(name="a")


class Failing:
    """Is away for the first calls, and counts them."""

    def __init__(self, times: int) -> None:
        self.left, self.calls = times, 0

    async def __call__(self, request: Any, context: Any) -> Any:
        del request, context
        self.calls += 1
        if self.left:
            self.left -= 1
            raise errors.UnavailableError("away", reason="TEST_AWAY")
        return pb.Thing(name="there")


@pytest.fixture
async def w(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path, people=object()) as made:
        yield made


async def test_read_is_retried_within_bounds(w: World) -> None:
    w.scratch.handler = twice = Failing(2)
    assert (await w.stub("portal").Read(ASK)).name == "there"
    assert twice.calls == 3
    w.scratch.handler = always = Failing(100)
    assert (await refused(w.stub("portal").Read(ASK)))[1].reason == "TEST_AWAY"
    assert always.calls == 3


async def test_call_that_may_not_be_repeated_is_not(w: World) -> None:
    w.scratch.handler = failing = Failing(1)

    async def one() -> AsyncIterator[Any]:
        yield pb.ReadRequest(name="fail")

    upload = w.stub("portal").Upload
    assert (await upload(one())).name == "fail"
    header = (("x-forwarded-client-cert", "URI=urn:uuid:0192d1c0-5f3e-7cc1-8000-0242ac120002"),)
    assert (await refused(w.stub("gateway").Report(ASK, metadata=header)))[1].reason == "TEST_AWAY"
    assert failing.calls == 1


async def test_retries_stop_when_most_calls_fail(w: World) -> None:
    w.scratch.handler = failing = Failing(10_000)
    for _ in range(40):
        await refused(w.stub("portal").Read(ASK))
    assert 40 < failing.calls < 80


async def test_refusal_is_not_retried(w: World) -> None:
    calls = []

    async def refuse(request: Any, context: Any) -> None:
        del context
        calls.append(request)
        raise errors.StateConflictError("no")

    w.scratch.handler = refuse
    await refused(w.stub("portal").Read(ASK))
    assert len(calls) == 1


async def test_calls_go_to_every_address_and_around_a_dead_one(w: World, tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        other = await stack.enter_async_context(world(tmp_path / "2", people=object()))
        w.ca.issue(tmp_path / "2", "fleet")
        served: list[str] = []
        for name, each in (("one", w), ("two", other)):
            each.scratch.handler = _noting(served, name)
        (tmp_path / "2" / "mesh-ca.pem").write_bytes(w.ca.pem)
        targets = [f"127.0.0.1:{port}" for port in (w.server.port, other.server.port, free_port(22160))]
        channel = Channel("fleet", targets, Certificates(w.certs, "portal"))
        stack.push_async_callback(channel.close)
        stub: Any = rpc.ScratchServiceStub(channel)
        for _ in range(30):
            await stub.Read(ASK)
        assert set(served) == {"one", "two"}


def _noting(served: list[str], name: str) -> Any:
    async def note(request: Any, context: Any) -> Any:
        del request, context
        served.append(name)
        return pb.Thing()

    return note


async def test_a_stream_whose_channel_is_replaced_says_so_and_cancels_nobody(
    w: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channels, "_RETIRE_SECONDS", 0.1)
    clock = [0.0]
    channel = w.channel("portal", monotonic=lambda: clock[0])
    stub: Any = rpc.ScratchServiceStub(channel)
    forever = pb.ReadRequest(name="forever")
    third = asyncio.Event()

    async def iterate() -> None:
        async for each in stub.Watch(forever):
            if each.name == "forever2":
                third.set()

    async def upload() -> None:
        await stub.Upload(_endless())

    async with asyncio.timeout(10):
        watch, chat = stub.Watch(forever), stub.Chat()
        assert [(await watch.read()).name for _ in range(3)] == ["forever0", "forever1", "forever2"]
        await chat.write(forever)
        assert (await chat.read()).name == "forever"
        waiting = [asyncio.ensure_future(each) for each in (watch.read(), chat.read(), iterate(), upload())]
        await third.wait()
        w.ca.issue(w.certs, "portal")
        clock[0] += 10
        assert (await stub.Read(ASK)).name == "a"
        for each in waiting:
            with pytest.raises(errors.UnavailableError) as replaced:
                await each
            assert replaced.value.reason == "UPSTREAM_UNAVAILABLE"
        # On the new one it goes on.
        assert (await stub.Watch(forever).read()).name == "forever0"


async def _endless() -> AsyncIterator[Any]:
    yield ASK
    await asyncio.Event().wait()


async def test_who_is_cancelled_while_reading_a_stream_is_cancelled(w: World) -> None:
    watch = w.stub("portal").Watch(pb.ReadRequest(name="forever"))
    for _ in range(3):
        await watch.read()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await watch.read()
    other = w.stub("portal").Watch(pb.ReadRequest(name="forever"))
    reading = asyncio.ensure_future(other.read())
    await asyncio.sleep(0)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading


async def test_reason_of_a_failure_is_read(w: World) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await w.stub("relay").Read(ASK)
    assert reason_of(caught.value) == "CALLER_NOT_ALLOWED"
    nowhere = Channel("fleet", [f"127.0.0.1:{free_port(22160)}"], Certificates(w.certs, "portal"))
    async with nowhere as channel:
        with pytest.raises(grpc.aio.AioRpcError) as away:
            await rpc.ScratchServiceStub(channel).Read(ASK, timeout=1)
    assert reason_of(away.value) == ""


@pytest.mark.parametrize(
    ("code", "becomes"),
    [
        (grpc.StatusCode.UNAVAILABLE, "UPSTREAM_UNAVAILABLE"),
        (grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED"),
        (grpc.StatusCode.NOT_FOUND, "INTERNAL"),
    ],
)
async def test_failure_of_a_service_below_does_not_pass_as_our_own(
    w: World, code: grpc.StatusCode, becomes: str
) -> None:
    async def below(request: Any, context: Any) -> None:
        del request, context
        nothing = grpc.aio.Metadata()
        raise grpc.aio.AioRpcError(code, nothing, nothing, details="canary")

    w.scratch.handler = below
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await w.stub("portal").Read(ASK)
    assert reason_of(caught.value) == becomes
    assert "canary" not in str(caught.value)
