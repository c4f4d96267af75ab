"""Owns what a Hub measures of itself and when it reports: one sample a turn, unsent ones kept, nothing of the home.

An hour's samples go in one report: fewer packets, and they say less about when somebody is up. It reports only while
its owner has TELEMETRY on. What the cloud has dropped for good is not sent again.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from typing import TYPE_CHECKING, Final

from hubsim.link import LinkLostError
from hubsim.store import load
from hubsim.wire import Capability, TelemetrySample, write_report

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hubsim.hub import Hub

MOST_SAMPLES: Final = 64
"""Of one report, by the contract."""
KEPT_SAMPLES: Final = 2016
"""A week of 5-minute buckets: what is older would be refused."""
FAILURE_CODE: Final = 0x80
_WRONG_FOR_GOOD: Final = 0x99
_PATIENCE_S: Final = 20.0
_PERCENT: Final = 100
_WEAKEST_DBM, _STRONGEST_DBM = -90, -40


class Gauges:
    """The three gauges of a simulated Hub: they wander, and never jump."""

    def __init__(self, chance: random.Random | None = None) -> None:
        self._chance = chance or random.Random()  # noqa: S311 - a measurement, no secret
        self._cpu = self._chance.uniform(3, 30)
        self._ram = self._chance.uniform(35, 60)
        self._dbm = self._chance.uniform(-75, -45)

    def sample(self, now: float) -> TelemetrySample:
        """Measure."""
        step = self._chance.gauss
        self._cpu = min(max(self._cpu + step(0, 4), 0), _PERCENT)
        self._ram = min(max(self._ram + step(0, 1), 0), _PERCENT)
        self._dbm = min(max(self._dbm + step(0, 2), _WEAKEST_DBM), _STRONGEST_DBM)
        return TelemetrySample(
            sample_seconds=int(now), cpu_pct=round(self._cpu), ram_pct=round(self._ram), signal_dbm=round(self._dbm)
        )


class Reports:
    """What a Hub has measured and the cloud has not taken yet."""

    def __init__(self, hub: Hub, folder: Path, gauges: Gauges, *, now: Callable[[], float] = time.time) -> None:
        self._hub, self._folder, self._gauges, self._now = hub, folder, gauges, now
        self._waiting: deque[TelemetrySample] = deque(maxlen=KEPT_SAMPLES)

    async def run(self, measure_every_s: float, report_every_s: float) -> None:
        """Measure and report, for ever; at moments of its own, so that Hubs do not report together."""
        now = asyncio.get_running_loop().time
        due = now() + random.uniform(0, report_every_s)  # noqa: S311 - spreads load, hides nothing
        while True:
            await asyncio.sleep(measure_every_s)
            report = now() >= due
            await self.turn(report=report)
            if report:
                due = now() + report_every_s

    async def turn(self, *, report: bool = True) -> int:
        """Measure once and report what waits, if it is time to; return how many samples wait still."""
        if Capability.TELEMETRY not in load(self._folder).capabilities:
            self._waiting.clear()
            return 0
        self._waiting.append(self._gauges.sample(self._now()))
        while report and self._waiting:
            part = [self._waiting[each] for each in range(min(len(self._waiting), MOST_SAMPLES))]
            try:
                # MQTT 3.1.1 has no word for a refusal: there the acknowledgement just does not come.
                async with asyncio.timeout(_PATIENCE_S):
                    answer = await self._hub.report(write_report(part))
            except (LinkLostError, TimeoutError):
                break
            if answer.code >= FAILURE_CODE and answer.code != _WRONG_FOR_GOOD:
                break
            for _ in part:
                self._waiting.popleft()
        return len(self._waiting)
