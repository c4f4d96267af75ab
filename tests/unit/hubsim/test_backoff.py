from __future__ import annotations

from hubsim.backoff import Backoff


def _most(low: float, high: float) -> float:
    assert low <= high
    return high


def test_delays_double_up_to_the_cap_and_start_again_after_a_success() -> None:
    backoff = Backoff(1.0, 10.0, _most)
    assert [backoff.after_failure() for _ in range(6)] == [1, 2, 4, 8, 10, 10]
    backoff.succeeded()
    assert backoff.after_failure() == 1


def test_the_least_delay_is_nothing_so_that_hubs_spread_over_all_of_it() -> None:
    asked: list[tuple[float, float]] = []

    def least(low: float, high: float) -> float:
        asked.append((low, high))
        return low

    assert Backoff(1.0, 10.0, least).after_failure() == 0
    assert asked == [(0.0, 1.0)]


def test_what_the_server_asks_for_comes_before_the_jitter() -> None:
    assert Backoff(1.0, 10.0, _most).after_failure(30.0) == 31


def test_a_hub_that_lost_its_session_to_another_waits_long() -> None:
    assert Backoff(1.0, 60.0, _most).longest() == 60
    assert Backoff(1.0, 60.0, lambda low, _: low).longest() == 30


def test_many_failures_do_not_overflow() -> None:
    backoff = Backoff(1.0, 60.0, _most)
    assert {backoff.after_failure() for _ in range(3000)} >= {60.0}
