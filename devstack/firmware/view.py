"""Owns how a rollout looks: a bar a wave, in the colours of its updates' states, and the same as plain text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ora.fleet.v1.firmware_rollout_pb2 import FirmwareRollout
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from ora.fleet.v1.firmware_rollout_pb2 import RolloutProgress, WaveProgress

WIDTH: Final = 48
# Field, colour, and the sign that tells it without colour, in the order of an update's way.
STATES: Final = (
    ("confirmed", "green", "█"),
    ("installing", "cyan", "▓"),
    ("downloading", "blue", "▒"),
    ("offered", "bright_black", "░"),
    ("held", "yellow", "H"),
    ("silent", "magenta", "?"),
    ("rolled_back", "red", "<"),
    ("failed", "bright_red", "x"),
    ("expired", "bright_black", "e"),
)


def count(wave: WaveProgress, state: str) -> int:
    """Return how many updates of a wave are in a state."""
    number: int = getattr(wave, f"{state}_count")
    return number


def cells(wave: WaveProgress, width: int = WIDTH) -> list[tuple[str, int]]:
    """Return how many cells of a bar each state gets: by largest remainder, one at least for what is there at all."""
    counts = {state: count(wave, state) for state, _, _ in STATES}
    waiting = max(0, wave.hub_count - sum(counts.values()))
    total = sum(counts.values()) + waiting
    if total == 0:
        return [("waiting", width)]
    shares = {state: number * width / total for state, number in (*counts.items(), ("waiting", waiting))}
    taken = {state: max(int(share), 1 if share > 0 else 0) for state, share in shares.items()}
    order = sorted(shares, key=lambda state: shares[state] - taken[state], reverse=True)
    while sum(taken.values()) < width:
        taken[order[0]] += 1
        order.append(order.pop(0))
    while sum(taken.values()) > width:
        taken[max(taken, key=lambda state: taken[state])] -= 1
    return [(state, number) for state, number in taken.items() if number]


def bar(wave: WaveProgress, width: int = WIDTH) -> Text:
    """Return one wave as a bar."""
    looks = {state: (colour, sign) for state, colour, sign in STATES} | {"waiting": ("bright_black", "·")}
    made = Text()
    for state, number in cells(wave, width):
        colour, sign = looks[state]
        made.append(sign * number, style=colour)
    return made


def state_of(rollout: FirmwareRollout) -> str:
    """Return where a rollout is, and why it stopped."""
    state = FirmwareRollout.State.Name(rollout.state).removeprefix("STATE_")
    reason = FirmwareRollout.StopReason.Name(rollout.stop_reason).removeprefix("STOP_REASON_")
    return f"{state} ({reason})" if rollout.stop_reason else state


def table(progress: RolloutProgress) -> Table:
    """Return a rollout as a table with a bar a wave."""
    rollout = progress.firmware_rollout
    made = Table(title=f"{rollout.name}\n{state_of(rollout)}", title_justify="left", box=None, pad_edge=False)
    made.add_column("wave")
    made.add_column("share", justify="right")
    made.add_column("hubs", justify="right")
    made.add_column("", no_wrap=True, min_width=WIDTH)
    for state, colour, sign in STATES:
        made.add_column(Text(f"{sign} {state.replace('_', ' ')}", style=colour), justify="right")
    for wave in progress.waves:
        here = "▶" if wave.wave == rollout.current_wave else " "
        share = rollout.waves[wave.wave].share_permille / 10
        numbers = [str(count(wave, state) or "") for state, _, _ in STATES]
        made.add_row(f"{here} {wave.wave + 1}", f"{share:g} %", str(wave.hub_count), bar(wave), *numbers)
    return made


def report(progress: RolloutProgress) -> dict[str, object]:
    """Return a rollout as a document."""
    rollout = progress.firmware_rollout
    return {
        "rollout": rollout.name,
        "release": rollout.firmware_release,
        "state": state_of(rollout),
        "creator": rollout.creator,
        "approver": rollout.approver,
        "waves": [
            {"wave": wave.wave + 1, "share_permille": rollout.waves[wave.wave].share_permille, "hubs": wave.hub_count}
            | {state: count(wave, state) for state, _, _ in STATES}
            for wave in progress.waves
        ],
    }
