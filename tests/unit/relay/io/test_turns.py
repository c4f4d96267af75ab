"""The relay's event loop: connections first, then whoever comes in, then asyncio's own; what can wait gives way."""

from __future__ import annotations

import asyncio
import select
import socket
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from relay.io.turns import TurnLoop

if TYPE_CHECKING:
    from collections.abc import Iterator

    from relay.io.turns import Ready


class Party:
    """A socket in the loop's epoll, and its other end."""

    def __init__(self, loop: TurnLoop) -> None:
        self.here, self.there = socket.socketpair()
        self.here.setblocking(False)
        self.fd = self.here.fileno()
        loop.turns.epoll.register(self.fd, select.EPOLLIN)

    def speak(self) -> None:
        self.there.send(b"x")

    def hear(self) -> None:
        self.here.recv(1)

    def close(self) -> None:
        self.here.close()
        self.there.close()


@pytest.fixture
def loop() -> Iterator[TurnLoop]:
    made = TurnLoop()
    yield made
    made.close()


@pytest.fixture
def parties(loop: TurnLoop) -> Iterator[list[Party]]:
    made = [Party(loop) for _ in range(4)]
    yield made
    for each in made:
        each.close()


def test_connections_go_before_those_who_come_and_both_before_the_rest(loop: TurnLoop, parties: list[Party]) -> None:
    connection, coming, door, other = parties
    said: list[str] = []
    by_fd = {connection.fd: "connection", coming.fd: "coming", door.fd: "door"}

    def take(ready: Ready) -> None:
        said.extend(sorted(by_fd[fd] for fd, _ in ready))
        for each in parties:
            if each.fd in [fd for fd, _ in ready]:
                each.hear()

    turns = loop.turns
    turns.ours, turns.turn = {connection.fd: 1}, take
    turns.coming, turns.doors, turns.come = {coming.fd: 1}, {door.fd: 1}, take
    turns.epoll.unregister(other.fd)

    def last() -> None:
        other.hear()
        said.append("other")
        loop.stop()

    loop.add_reader(other.fd, last)
    for each in parties:
        each.speak()
    loop.run_forever()
    assert said == ["connection", "coming", "door", "other"]
    loop.remove_reader(other.fd)
    turns.epoll.register(other.fd, select.EPOLLIN)


def test_steps_are_taken_one_after_the_other_while_nothing_else_is_to_be_done(loop: TurnLoop) -> None:
    steps = iter([True, True, False])
    taken = 0

    def step() -> bool:
        nonlocal taken
        taken += 1
        return next(steps)

    loop.turns.step, loop.turns.later = step, True
    loop.run_until_complete(asyncio.sleep(0.02))
    assert taken == 3
    assert not loop.turns.later


def test_steps_give_way_to_work_and_are_never_stuck_behind_it(loop: TurnLoop) -> None:
    rounds: list[int] = []
    now = 0

    def step() -> bool:
        rounds.append(now)
        return True

    async def busy() -> None:
        nonlocal now
        for each in range(41):
            now = each
            await asyncio.sleep(0)

    loop.turns.step = step
    loop.turns.later = True
    loop.run_until_complete(busy())
    # Each round of the loop has something ready: every fourth one takes a step.
    assert len(rounds) == 10
    assert {later - earlier for earlier, later in pairwise(rounds)} == {4}


def test_a_step_and_a_turn_that_fail_do_not_end_the_loop(loop: TurnLoop, parties: list[Party]) -> None:
    failed: list[str] = []

    def step() -> bool:
        loop.turns.later = False
        failed.append("step")
        raise ValueError("step")

    def turn(ready: Ready) -> None:
        del ready
        parties[0].hear()
        failed.append("turn")
        raise ValueError("turn")

    loop.turns.ours, loop.turns.turn = {parties[0].fd: 1}, turn
    loop.turns.step, loop.turns.later = step, True
    parties[0].speak()
    loop.run_until_complete(asyncio.sleep(0.02))
    assert sorted(failed) == ["step", "turn"]
