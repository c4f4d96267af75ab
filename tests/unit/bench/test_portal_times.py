"""The distance of two distributions, and how likely it is."""

from __future__ import annotations

import pytest

from bench.portal.times import chance, distance, percentile


def test_percentiles_are_values_that_were_measured() -> None:
    samples = [float(number) for number in range(100, 0, -1)]
    assert (percentile(samples, 0.5), percentile(samples, 0.99), percentile([7.0], 0.99)) == (50.0, 99.0, 7.0)


def test_equal_samples_are_not_apart_and_disjoint_ones_wholly() -> None:
    assert distance([1.0, 2.0, 3.0], [1.0, 2.0, 3.0]) == 0
    assert distance([1.0, 2.0], [3.0, 4.0]) == 1
    assert distance([1.0, 2.0, 3.0, 4.0], [3.0, 4.0, 5.0, 6.0]) == 0.5


@pytest.mark.parametrize(("apart", "wanted"), [(0.0859, 0.05), (0.1030, 0.01)])
def test_the_chance_is_that_of_the_tables(apart: float, wanted: float) -> None:
    """Critical values for two samples of 500: 1.358 and 1.628 times the root of 2/500."""
    assert chance(apart, 500, 500) == pytest.approx(wanted, rel=0.1)
    assert chance(0.0, 500, 500) == 1
