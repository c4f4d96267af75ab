"""Callers that mean harm, with frames and bytes that are legal one by one: they are cut off, and the next is served."""

from __future__ import annotations

import socket
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import h2.config
import h2.connection
import h2.events
import h2.settings
import pytest

from tests.integration.gateway.api import ENVELOPE, SEND

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

    from tests.integration.gateway.conftest import World

GET = [(":method", "GET"), (":scheme", "https"), (":authority", "localhost"), (":path", "/")]


@contextmanager
def connection(world: World, protocol: str) -> Iterator[ssl.SSLSocket]:
    context = world.tls()
    context.set_alpn_protocols([protocol])
    address = ("127.0.0.1", world.gateway.values.listen.app.port)
    with socket.create_connection(address, 10) as plain, context.wrap_socket(plain, server_hostname="localhost") as tls:
        assert tls.selected_alpn_protocol() == protocol
        yield tls


def http2(tls: ssl.SSLSocket) -> h2.connection.H2Connection:
    state = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
    state.initiate_connection()
    tls.sendall(state.data_to_send())
    return state


def ended(tls: ssl.SSLSocket) -> bool:
    tls.settimeout(5)
    try:
        while tls.recv(65536):
            pass
    except (ConnectionError, OSError) as error:
        return not isinstance(error, TimeoutError)
    return True


@pytest.fixture(autouse=True)
def _next_caller_is_served(world: World) -> Iterator[None]:
    yield
    began = time.monotonic()
    with world.app() as app:
        assert app.post(SEND, json=ENVELOPE, headers=world.bearer()).status_code == 200
    assert time.monotonic() - began < 2


def test_a_connection_has_a_hundred_streams_and_no_more(world: World) -> None:
    with connection(world, "h2") as tls:
        state = http2(tls)
        for event in state.receive_data(tls.recv(65536)):
            if isinstance(event, h2.events.RemoteSettingsChanged):
                setting = event.changed_settings[h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS]
                assert setting.new_value == 100


def test_streams_that_are_reset_at_once_end_the_connection(world: World) -> None:
    with connection(world, "h2") as tls:
        state = http2(tls)
        try:
            for _ in range(2000):
                stream = state.get_next_available_stream_id()
                state.send_headers(stream, GET, end_stream=True)
                state.reset_stream(stream)
                tls.sendall(state.data_to_send())
        except OSError:
            return  # the gateway was quicker
        assert ended(tls)


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


def flooded(world: World, first: bytes, each: bytes, count: int) -> bool:
    with connection(world, "h2") as tls:
        http2(tls)
        try:
            tls.sendall(first)
            for _ in range(count):
                tls.sendall(each)
        except OSError:
            return True
        return ended(tls)


def test_headers_that_never_end_end_the_connection(world: World) -> None:
    header = b"\x00\x01x\x7f\xff\x07" + b"y" * 1150  # literal, name `x`, a long value
    assert flooded(world, frame(1, 0, 1, b"\x82"), frame(9, 0, 1, header), 2000)


@pytest.mark.parametrize(
    "each",
    [frame(6, 0, 0, bytes(8)), frame(4, 0, 0, b""), frame(0, 0, 1, b""), frame(2, 0, 1, bytes(5))],
    ids=["ping", "settings", "empty data", "priority"],
)
def test_a_flood_of_frames_that_do_nothing_ends_the_connection(world: World, each: bytes) -> None:
    opened = b"\x83\x87\x84\x41\x09localhost"  # POST https / localhost, body to come
    assert flooded(world, frame(1, 4, 1, opened), each * 50, 2000)


def test_headers_that_trickle_are_not_waited_for(world: World) -> None:
    with connection(world, "http/1.1") as tls:
        tls.sendall(b"GET / HTTP/1.1\r\nhost: localhost\r\n")
        began = time.monotonic()
        tls.settimeout(12)
        assert b"408" in tls.recv(65536)
        assert time.monotonic() - began < 7


@pytest.mark.parametrize(
    "request_",
    [
        b"POST /v1/x HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /v1/x HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello",
        b"GET / HTTP/1.1\r\nhost: a\r\nx: a\x00b\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost : a\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.0\r\n\r\n",
        b"\x16\x03\x01\x00\x00",
    ],
    ids=["two lengths", "length twice", "nul", "space in name", "no host", "HTTP/1.0", "not HTTP"],
)
def test_a_request_that_two_readers_could_read_differently_is_refused(world: World, request_: bytes) -> None:
    with connection(world, "http/1.1") as tls:
        tls.sendall(request_)
        tls.settimeout(8)
        answer = tls.recv(65536)
        assert answer[:12] in {b"HTTP/1.1 400", b"HTTP/1.1 426"}, answer
        assert b"application/problem+json" in answer
        assert b"envoy" not in answer.lower()
