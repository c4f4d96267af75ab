"""Owns the time a call may take: the caller's deadline less a margin to answer, or the contract's if that is sooner."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mesh.errors import DeadlineExceededError, InvalidArgumentError
from mesh.interceptors.stage import Stage

if TYPE_CHECKING:
    from mesh.call import Call
    from mesh.clock import Now

ANSWER_MARGIN: Final = 0.020
LEAST_WORK: Final = 0.100
MAX_SKEW_MS: Final = 600_000
SENT_KEY: Final = "x-ora-sent-ms"


def budget(remaining: float | None, policy: float | None, *, now: float) -> float | None:
    """Return the moment by which the handler must be done; refuse work that cannot be done in time."""
    if remaining is None:
        return None if policy is None else now + policy
    if remaining < LEAST_WORK:
        raise DeadlineExceededError("too little time is left to do this", reason="DEADLINE_TOO_SHORT")
    allowed = remaining - ANSWER_MARGIN
    return now + (allowed if policy is None else min(allowed, policy))


class SkewStage(Stage):
    """Refuses a workload whose clock is far from ours: its expiries and signatures would mean something else."""

    def __init__(self, now: Now) -> None:
        self._now = now

    async def admit(self, call: Call) -> None:
        """Compare the moment at which the caller says it sent this."""
        sent = call.header(SENT_KEY)
        if sent is None:
            return
        if not (sent.isascii() and sent.isdigit() and len(sent) < 20):  # noqa: PLR2004 - the digits of an int64
            raise InvalidArgumentError(f"{SENT_KEY} is no number of milliseconds", reason="CLOCK_SKEW")
        if abs(self._now().timestamp() * 1000 - int(sent)) > MAX_SKEW_MS:
            raise InvalidArgumentError("the caller's clock is more than 10 minutes away", reason="CLOCK_SKEW")
