"""Pairs of workers and generators: where each runs, what they did together, and which process has which socket."""

from __future__ import annotations

import os
import socket

import pytest

from bench.processes import StartError
from bench.relay.owners import listens, owner
from bench.relay.pairs import Together, places
from bench.relay.streams import Load


@pytest.mark.parametrize(
    ("cores", "found"),
    [([0, 1], [(0, 0), (1, 1)]), ([2, 5, 7], [(2, 2), (5, 5)]), ([0, 1, 2, 3, 4], [(0, 2), (1, 3)])],
)
def test_generators_have_cores_of_their_own_where_there_are_four(
    cores: list[int], found: list[tuple[int, int]]
) -> None:
    assert places(cores) == found


def test_on_one_core_two_workers_are_not_measured() -> None:
    with pytest.raises(StartError, match="there is one"):
        places([0])


def test_what_two_did_is_told_together() -> None:
    first = Load(messages=300, seconds=1.0, cpu_seconds=0.6, generator_busy=0.4)
    second = Load(messages=100, seconds=2.0, cpu_seconds=0.2, generator_busy=0.4)
    both = Together([first, second], idle=0.0)
    assert (both.rate, both.least_share) == (350.0, 0.25)
    assert both.cpu_micros == pytest.approx(2000.0)


def test_the_kernel_says_who_has_the_other_end() -> None:
    own, parent = os.getpid(), os.getppid()
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as ours, door.accept()[0]:
            assert owner(ours, [parent, own]) == own
            assert owner(ours, [parent]) is None
            assert listens(own, port)
            assert not listens(own, ours.getsockname()[1])
