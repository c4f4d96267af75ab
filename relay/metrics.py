"""Owns the names under which the node's counters are read. Counts nothing itself; knows no exporter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from opentelemetry.metrics import CallbackOptions, Observation

from mesh import names
from mesh.telemetry import meter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from relay.io.shell import Shell
    from relay.nodes.join import Join
    from relay.routing.node import Node

_DIRECTION: Final = "direction"
_WHERE: Final = "where"


def publish(node: Node, shell: Shell) -> None:
    """Let the exporter read this node."""
    counters = node.counters
    by_reason: dict[str, tuple[str, Callable[[], Mapping[str, int]]]] = {
        "ora_relay_refusals": ("Envelopes refused.", lambda: counters.refusals),
        "ora_relay_drops": ("Packets dropped.", lambda: counters.drops),
        "ora_relay_closes": ("Connections ended.", lambda: counters.closes),
        "ora_relay_handshakes_refused": ("Handshakes that came to nothing.", lambda: counters.handshakes_refused),
        "ora_relay_subscriptions_refused": (
            "Subscriptions refused, by MQTT's reason code.",
            lambda: counters.subscriptions_refused,
        ),
        "ora_relay_outcomes": ("Fates told to gRPC callers.", lambda: counters.outcomes),
    }
    for name, (description, read) in by_reason.items():
        meter.create_observable_counter(name, [_reasons(read)], description=description)
    meter.create_observable_counter(
        "ora_relay_envelopes",
        [_directions(lambda: {"up": counters.envelopes_up, "down": counters.envelopes_down})],
        description="Envelopes taken for passing on.",
    )
    meter.create_observable_counter(
        "ora_relay_bytes",
        [_directions(lambda: {"in": counters.bytes_in, "out": counters.bytes_out})],
        description="MQTT bytes, inside TLS.",
    )
    singles: dict[str, tuple[str, Callable[[], int]]] = {
        "ora_relay_connects": ("MQTT sessions opened.", lambda: counters.connects),
        "ora_relay_handshakes": ("TLS handshakes completed.", lambda: counters.handshakes),
        "ora_relay_pauses": ("Times that a connection was not read for a while.", lambda: counters.paused),
    }
    for name, (description, one) in singles.items():
        meter.create_observable_counter(name, [_single(one)], description=description)
    gauges: dict[str, tuple[str, Callable[[], int]]] = {
        "ora_relay_sessions": ("Hubs connected.", lambda: len(node.hubs)),
        "ora_relay_receivers": ("App sessions attached.", lambda: len(node.receivers)),
        "ora_relay_half_open": ("Handshakes under way.", lambda: len(shell.handshakes)),
        "ora_relay_queued_bytes": ("Bytes that wait for Hubs.", lambda: node.outbox.queued),
        "ora_relay_admission_live": ("Whether the admission watch stands.", lambda: int(node.admissions.live)),
    }
    for name, (description, one) in gauges.items():
        meter.create_observable_gauge(name, [_single(one)], description=description)


def publish_join(join: Join) -> None:
    """Let the exporter read what joins this worker with the others."""
    meter.create_observable_counter(
        "ora_relay_forwards",
        [_single(lambda: join.courier.forwards)],
        description="Envelopes passed on to other nodes.",
    )
    meter.create_observable_gauge(
        "ora_relay_links",
        [_labelled(_WHERE, lambda: {"host": join.links.count(local=True), "elsewhere": join.links.count(local=False)})],
        description="Links to workers of this host and to other hosts.",
    )
    gauges: dict[str, tuple[str, Callable[[], int]]] = {
        "ora_relay_links_under_way": ("Envelopes on links without a fate.", lambda: join.links.under_way),
        "ora_relay_directory_away": ("Whether Redis does not answer.", lambda: int(join.keeper.away)),
    }
    for name, (description, one) in gauges.items():
        meter.create_observable_gauge(name, [_single(one)], description=description)
    mailbox = join.mailbox
    if mailbox is not None:
        meter.create_observable_counter(
            "ora_relay_mailbox", [_reasons(lambda: mailbox.counts)], description="Envelopes kept for who is away."
        )


def _reasons(read: Callable[[], Mapping[str, int]]) -> Callable[[CallbackOptions], Iterable[Observation]]:
    def observe(_: CallbackOptions) -> Iterable[Observation]:
        return [Observation(count, {names.REASON: str(reason)}) for reason, count in list(read().items())]

    return observe


def _directions(read: Callable[[], Mapping[str, int]]) -> Callable[[CallbackOptions], Iterable[Observation]]:
    return _labelled(_DIRECTION, read)


def _labelled(label: str, read: Callable[[], Mapping[str, int]]) -> Callable[[CallbackOptions], Iterable[Observation]]:
    def observe(_: CallbackOptions) -> Iterable[Observation]:
        return [Observation(count, {label: value}) for value, count in read().items()]

    return observe


def _single(read: Callable[[], int]) -> Callable[[CallbackOptions], Iterable[Observation]]:
    def observe(_: CallbackOptions) -> Iterable[Observation]:
        return [Observation(read())]

    return observe
