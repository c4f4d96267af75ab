from __future__ import annotations

from ora.relay.v1 import relay_operations_service_pb2 as pb

from devstack.commands.top import picture
from devstack.relays.rates import Rates, rates


def _status(seconds: int, **counts: int) -> pb.NodeStatus:
    status = pb.NodeStatus(node="relay-1", admission_available=True, directory_available=True)
    status.time.FromSeconds(seconds)
    for name, count in counts.items():
        if name.isupper():
            status.refusals[name] = count
        else:
            setattr(status, name, count)
    return status


def test_rates_are_the_difference_over_the_time_between() -> None:
    before = _status(10, envelopes_down=5, envelopes_up=1, cpu_ms=100, A=1)
    now = _status(12, envelopes_down=25, envelopes_up=2, cpu_ms=1100, A=2, B=4)
    assert rates(before, now) == Rates(down=10.0, up=0.5, cpu_percent=50.0, refusals={"A": 0.5, "B": 2.0})


def test_a_node_that_was_started_again_has_no_rates_yet() -> None:
    assert rates(_status(10, envelopes_down=500, cpu_ms=100), _status(12, envelopes_down=1, cpu_ms=5)) == Rates()
    assert rates(None, _status(12, envelopes_down=1)) == Rates()


def test_the_same_reading_twice_has_no_rates() -> None:
    assert rates(_status(10, cpu_ms=1), _status(10, cpu_ms=2)) == Rates()


def test_the_picture_has_a_row_for_each_node_and_each_reason() -> None:
    tables = picture([_status(12, **{"refusal:PEER_UNKNOWN".upper(): 3})], {}).renderables
    assert [table.row_count for table in tables] == [1, 1]  # type: ignore[union-attr]
