"""Every reason has a way to come about, and is counted under its own name where operators read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.metrics import CallbackOptions

from mesh import names
from relay import metrics
from relay.routing.reasons import Close, Drop, Refusal
from tests.unit.relay.reasons.closes import CLOSES
from tests.unit.relay.reasons.refusals import DROPS, REFUSALS
from tests.unit.relay.world import World

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Scenarios = dict[Any, Callable[[World], Awaitable[None]]]


class Meter:
    """What an exporter would read."""

    def __init__(self) -> None:
        self._read: dict[str, Any] = {}

    def create_observable_counter(self, name: str, callbacks: list[Any], description: str) -> None:
        assert description
        (self._read[name],) = callbacks

    create_observable_gauge = create_observable_counter

    def by_reason(self, name: str) -> dict[Any, float]:
        return {each.attributes[names.REASON]: each.value for each in self._read[name](CallbackOptions())}


@pytest.fixture
def world() -> World:
    return World(sessions=2, send_window=1, hub_queue=1000)


@pytest.fixture
def meter(world: World, monkeypatch: pytest.MonkeyPatch) -> Meter:
    made, shell = Meter(), None
    monkeypatch.setattr(metrics, "meter", made)
    metrics.publish(world.node, shell)  # type: ignore[arg-type]
    return made


def test_no_reason_is_left_out() -> None:
    assert set(CLOSES) == set(Close)
    assert set(REFUSALS) == set(Refusal)
    assert set(DROPS) == set(Drop)


@pytest.mark.parametrize(
    ("metric", "scenarios", "reason"),
    [
        (metric, scenarios, reason)
        for metric, scenarios in (
            ("ora_relay_closes", CLOSES),
            ("ora_relay_refusals", REFUSALS),
            ("ora_relay_drops", DROPS),
        )
        for reason in scenarios
    ],
)
async def test_it_comes_about_and_is_counted_once(
    world: World, meter: Meter, metric: str, scenarios: Scenarios, reason: str
) -> None:
    assert meter.by_reason(metric) == {}
    await scenarios[reason](world)
    assert meter.by_reason(metric)[reason] == 1


async def test_a_subscription_that_is_refused_is_counted_by_what_the_client_was_told(
    world: World, meter: Meter
) -> None:
    await CLOSES[Close.SUBSCRIPTION_FLOOD](world)
    assert meter.by_reason("ora_relay_subscriptions_refused") == {"NOT_AUTHORIZED": 17}
