"""Owns how the story is told: numbered steps with their times, what each has shown, a summary. Knows no content."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator


class NotShownError(Exception):
    """A step did not show what it says."""


@dataclass(slots=True)
class Step:
    """One step: what it says, how long it took, what was seen."""

    title: str
    seconds: float = 0.0
    seen: list[str] = field(default_factory=list)
    verified: bool = False


class Story:
    """Tells steps one after another. A step that does not show what it says ends the story."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False, soft_wrap=True)
        self.steps: list[Step] = []
        self._began = time.monotonic()

    def chapter(self, title: str) -> None:
        """Begin a group of steps."""
        self.console.print(f"\n[bold]{title}[/bold]")

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """Tell one step; it is verified if the block ends without an error and saw something."""
        step = Step(title)
        self.steps.append(step)
        self.console.print(f"{len(self.steps):>3}. {title}")
        began = time.monotonic()
        try:
            yield step
            if not step.seen:
                raise NotShownError(f"{title}: nothing was seen")
            step.verified = True
        finally:
            step.seconds = time.monotonic() - began
            for line in step.seen:
                self.console.print(f"     [dim]{line}[/dim]")
            mark = "[green]verified[/green]" if step.verified else "[red]NOT SHOWN[/red]"
            self.console.print(f"     {mark} in {step.seconds:.2f} s")

    @property
    def verified(self) -> bool:
        """Whether every step that was told was verified, and there was one."""
        return bool(self.steps) and all(each.verified for each in self.steps)

    def summarise(self) -> None:
        """Write the table of all steps."""
        table = Table(title="\nWhat was shown", title_justify="left", box=None)
        table.add_column("step", justify="right")
        table.add_column("what")
        table.add_column("time", justify="right")
        table.add_column("")
        for number, each in enumerate(self.steps, 1):
            mark = "[green]ok[/green]" if each.verified else "[red]no[/red]"
            table.add_row(str(number), each.title, f"{each.seconds:.2f} s", mark)
        self.console.print(table)
        done = sum(each.verified for each in self.steps)
        self.console.print(f"\n{done} of {len(self.steps)} steps verified in {time.monotonic() - self._began:.1f} s")


def expect(holds: bool, otherwise: str) -> None:  # noqa: FBT001 - an assertion that is never optimised away
    """Go on only where ``holds``."""
    if not holds:
        raise NotShownError(otherwise)
