"""What is told of a measurement: medians and verdicts, and a document in which each suite keeps to its own section."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from bench import document, plot
from bench.relay.pace import percentile
from bench.relay.rows import PROMISES, Ledger, Promise, Row, figure, markdown

PROMISE = Promise("busy", "CPU", "µs", 0.5, 0.2)


@pytest.mark.parametrize(("ours", "verdict"), [(2.0, "goal"), (2.1, "must"), (5.0, "must"), (5.1, "**no**")])
def test_a_ratio_is_held_against_the_goal_and_the_bound(ours: float, verdict: str) -> None:
    assert Row.of(PROMISE, [(ours, 10.0)]).verdict == verdict


def test_the_ratio_is_the_median_of_the_rounds_and_not_of_the_figures() -> None:
    row = Row.of(PROMISE, [(1.0, 10.0), (4.0, 8.0), (9.0, 30.0)])
    assert (row.ours, row.theirs, row.ratio, row.lowest, row.highest) == (4.0, 10.0, 0.3, 0.1, 0.5)


def test_only_what_was_measured_is_told_in_the_order_of_the_promises() -> None:
    ledger = Ledger()
    for promise in reversed(PROMISES[:3]):
        ledger.note(promise.key, 1.0, 2.0)
    assert [row.promise for row in ledger.rows()] == list(PROMISES[:3])
    assert len(markdown(ledger.rows()).splitlines()) == 5


def test_no_two_promises_have_one_key() -> None:
    assert len({each.key for each in PROMISES}) == len(PROMISES)


@pytest.mark.parametrize(("value", "text"), [(0.01234, "0.0123"), (1.0, "1"), (99.96, "100"), (12_345.6, "12,346")])
def test_figures_have_three_digits_that_count(value: float, text: str) -> None:
    assert figure(value) == text


def test_what_never_arrives_is_an_endless_wait() -> None:
    assert percentile([], 99) == float("inf")
    assert percentile([1.0, 2.0, 3.0, 4.0], 50) == 3.0
    assert percentile([1.0] * 98 + [9.0, float("inf")], 99) == float("inf")


def test_a_suite_replaces_its_own_section_alone() -> None:
    text = document.replaced(document.replaced("# Benchmarks\n", "a", "first"), "b", "second")
    again = document.replaced(text, "a", r"third \1")
    assert "first" not in again
    assert again.index(r"third \1") < again.index("second")
    assert document.replaced(again, "a", "first") == text


def test_a_picture_is_xml_and_every_bar_is_in_it() -> None:
    bars = [plot.Bar(f"a < {index}", 10.0**index, 1.0, 0.5, "must") for index in range(-4, 3)]
    root = ET.fromstring(plot.ratios("ratios & more", bars))  # noqa: S314 - our own text
    texts = [each.text for each in root.iter("{http://www.w3.org/2000/svg}text")]
    assert all(bar.label in texts for bar in bars)
