"""Owns what a suite is, and which there are: each package of `bench` with a module ``suite``."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Options:
    """How a suite is to run."""

    # Minutes instead of a quarter of an hour: fewer rounds, shorter ones, smaller crowds.
    quick: bool
    # Where it may keep what it makes; emptied by nobody.
    state: Path
    # The first of the ports that it may use.
    port: int
    # Parts of the suite to run; none named: all.
    only: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Report:
    """What a suite has found."""

    section: str
    # Pictures, by file name.
    pictures: dict[str, str] = field(default_factory=dict)
    # Whether everything that must hold does.
    holds: bool = True


class Suite(Protocol):
    """A module with measurements."""

    def run(self, options: Options) -> Report:
        """Measure everything."""


def names() -> list[str]:
    """Return the suites."""
    return sorted(each.parent.name for each in Path(__file__).parent.glob("*/suite.py"))


def load(name: str) -> Suite:
    """Return a suite."""
    module: Suite = import_module(f"bench.{name}.suite")
    return module
