"""What the relay does with bytes of strangers, as functions of bytes: for the fuzzer, and for its corpus in the suite.

The first byte chooses the target. A target raises when something that must hold does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from relay.routing.certificate import CertificateUnreadableError, read_certificate
from relay.routing.client import State
from relay.routing.reasons import Close, Refusal
from relay.routing.route_header import HeaderGate, RouteView
from relay.routing.topics import hub_text
from relay.wire.codec import decode, encode
from relay.wire.connect import Connect
from relay.wire.errors import WireError
from relay.wire.framing import next_frame
from relay.wire.proxy import ProxyError, read_header
from tests.unit.relay.broker.world import V4, V5, Net
from tests.unit.relay.notation import data as written
from tests.unit.relay.world import HUB, OTHER, UP, World

if TYPE_CHECKING:
    from collections.abc import Callable

_CONNECTS: Final = {
    4: written("10 <['MQTT'] 04 00 003c [{hub}]>", hub=hub_text(HUB).encode()),
    5: written("10 <['MQTT'] 05 02 003c <> [{hub}]>", hub=hub_text(HUB).encode()),
}
# Longer inputs say nothing new and take longer.
LONGEST: Final = 4096


def codec(raw: bytes, version: int) -> None:
    """Read packets: each is read, or refused with a clause; what was read can be said again and read again."""
    at = 0
    try:
        while (frame := next_frame(raw, at, 70_000)) is not None:
            assert at < frame.body <= frame.end <= len(raw)
            packet = decode(frame.first, raw[frame.body : frame.end], version)
            again = encode(packet, version)
            second = next_frame(again, 0, 140_000)
            assert second is not None
            assert encode(decode(second.first, again[second.body : second.end], version), version) == again
            at = frame.end
    except WireError as error:
        if error.code < 0x80 or not error.clause:
            raise AssertionError("a refusal names a failure and a clause") from error


def hub_session(raw: bytes, version: int) -> None:
    """Say anything in a Hub's session: it stays bounded, and its neighbour is served."""
    world = World(receive_maximum=8, unreleased=16, hub_queue=4096)
    neighbour, bridge, receiver = world.connect(OTHER), world.connect(None), world.attach(limit=4096)
    world.subscribe(bridge, UP)
    client = world.open()
    world.give(client, _CONNECTS[version])
    for piece in (raw[: len(raw) // 2], raw[len(raw) // 2 :]):
        world.give(client, piece)
        if client.session is not None:
            assert len(client.session.inbound) <= 16
            assert len(client.session.flights) <= 64
            assert len(client.session.subscriptions) <= 8
        if client.state is State.CLOSED:
            break
        world.take(client)
    assert receiver.queued <= 4096 + len(raw)
    assert Close.BUG not in world.node.counters.closes
    world.give(neighbour, b"\xc0\x00")
    assert world.take(neighbour) == b"\xd0\x00"
    world.node.end(client, Close.CLIENT_GONE)
    assert world.node.hubs.get(HUB) is None
    assert world.node.wills == {}


def broker_session(raw: bytes, version: int) -> None:
    """Say anything to the general broker, go, and come again: what it holds is bounded and ends with its sessions."""
    net = Net(session_queue=4096, queue=8192, retained_messages=8, retained_bytes=8192, subscriptions=8, levels=16)
    watcher = net.connect("watcher", V5)
    watcher.subscribe("#", "$share/g/#")
    for _ in range(2):
        party = net.open()
        party.give(encode(Connect(version=version, client_id="c", clean_start=False, keep_alive=9), version))
        party.raw()
        party.give(raw)
        party.raw()
        assert net.broker.retained.count <= 8
        assert net.broker.retained.bytes <= 8192
        assert net.node.outbox.queued <= 8192 + len(raw)
        party.vanish()
    watcher.raw()
    if not watcher.closed:
        watcher.give(b"\xc0\x00")
        assert watcher.raw().endswith(b"\xd0\x00")
    watcher.vanish()
    for session in list(net.node.sessions.values()):
        net.node.start_session(session.key)
        net.connect(session.key, V4).leave()
    assert net.node.sessions == {}
    assert (net.broker.index.count, net.broker.index.size(), net.node.outbox.queued) == (0, 1, 0)


def header(raw: bytes, _: int) -> None:
    """Read a RouteHeader."""
    assert isinstance(HeaderGate(frozenset()).read(raw, 0, len(raw)), Refusal | RouteView)


def certificate(raw: bytes, _: int) -> None:
    """Read a certificate."""
    try:
        read_certificate(raw).hub_id()
    except CertificateUnreadableError:
        return


def proxy(raw: bytes, _: int) -> None:
    """Read a PROXY header."""
    try:
        found = read_header(raw)
    except ProxyError:
        return
    assert found > len(raw) if isinstance(found, int) else found.length <= len(raw)


TARGETS: Final[tuple[Callable[[bytes, int], None], ...]] = (
    codec,
    hub_session,
    broker_session,
    header,
    certificate,
    proxy,
)


def one(raw: bytes) -> None:
    """Give bytes to the target and the protocol version that their first byte chooses."""
    if raw:
        TARGETS[raw[0] // 2 % len(TARGETS)](raw[1:LONGEST], V4 + raw[0] % 2)
