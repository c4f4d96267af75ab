"""What is told of sessions that were cut: by kind and relay, and whether each was in time."""

from __future__ import annotations

from bench.cuts.hubs import Cut
from bench.cuts.suite import report


def test_each_relay_has_a_row_and_the_slowest_decides() -> None:
    cuts = [Cut("relay-1", "CONSENT_OFF", 0.02), Cut("relay-2", "CONSENT_OFF", 0.5), Cut("relay-2", "CONSENT_OFF", 1.0)]
    told = report({"withdrawn": cuts}, "x")
    assert told.holds
    assert "| withdrawn | relay-1 | 1 | 20 | 20 | 20 | 1000 | yes |" in told.section
    assert "| withdrawn | all | 3 | 500 | 1000 | 1000 | 1000 | yes |" in told.section
    late = report({"withdrawn": [*cuts, Cut("relay-3", "CONSENT_OFF", 1.001)]}, "x")
    assert not late.holds
    assert "| withdrawn | relay-3 | 1 | 1001 | 1001 | 1001 | 1000 | **no** |" in late.section
