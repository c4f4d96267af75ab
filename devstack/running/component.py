"""Owns what a step of the start declares: a process that goes on, or a job that ends. Starts nothing itself."""

from __future__ import annotations

import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from devstack.running.probes import Probe


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """A process that runs until it is told to stop."""

    name: str
    argv: tuple[str, ...]
    ready: Probe
    after: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    # What `ora status` shows, by use.
    addresses: Mapping[str, str] = field(default_factory=dict)
    stop: signal.Signals = signal.SIGTERM
    grace_seconds: float = 15.0
    ready_seconds: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Work that ends before what comes after it starts. It says what it does by the function that it is given."""

    name: str
    work: Callable[[Callable[[str], None]], Awaitable[None]]
    after: tuple[str, ...] = ()


Step = Component | Job


class OrderError(Exception):
    """A step waits for one that is not there, or for itself."""


def needed(steps: list[Step], names: tuple[str, ...]) -> list[Step]:
    """Return the steps of these names with all that they wait for; without a name, every step."""
    by_name = {each.name: each for each in steps}
    if strangers := sorted(set(names) - by_name.keys()):
        raise OrderError(f"there is no {', '.join(strangers)}; there are {', '.join(sorted(by_name))}")
    wanted: set[str] = set()
    todo = list(names)
    while todo:
        name = todo.pop()
        if name not in wanted:
            wanted.add(name)
            todo += by_name[name].after
    return [each for each in steps if each.name in wanted] if names else steps


def wrapped(steps: list[Step], around: Mapping[str, tuple[str, ...]]) -> list[Step]:
    """Return the steps, with words before the commands of the components that are named."""
    by_name = {each.name: each for each in steps if isinstance(each, Component)}
    if strangers := sorted(around.keys() - by_name.keys()):
        raise OrderError(f"there is no component {', '.join(strangers)}; there are {', '.join(sorted(by_name))}")
    made = {name: replace(by_name[name], argv=(*words, *by_name[name].argv)) for name, words in around.items()}
    return [made.get(each.name, each) for each in steps]


def in_order(steps: list[Step]) -> list[Step]:
    """Return the steps so that each comes after those it waits for."""
    names = {each.name for each in steps}
    if len(names) != len(steps):
        raise OrderError("two steps have one name")
    done: list[Step] = []
    left = list(steps)
    while left:
        placed = {each.name for each in done}
        free = [each for each in left if placed.issuperset(each.after)]
        if not free:
            waits = {each.name: sorted(set(each.after) - placed) for each in left}
            raise OrderError(f"these wait for what does not come: {waits}")
        done += free
        left = [each for each in left if each not in free]
    return done
