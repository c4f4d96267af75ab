"""What a Hub reports of itself: only while its owner wants it, once, and as the contract says."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from ora.common.v1.signed_record_pb2 import SignedRecord
from ora.ingest.v1.support_grant_statement_pb2 import SupportGrantStatement
from ora.ingest.v1.telemetry_pb2 import TelemetryBatch

from hubsim import store
from hubsim.health import Gauges, Reports
from hubsim.link import Answer, LinkLostError
from hubsim.records import support_grant
from hubsim.wire import Capability
from ingest_svc.domain.filter.judge import judge
from ingest_svc.domain.filter.verdict import Form, Kept
from mesh import signing

if TYPE_CHECKING:
    from pathlib import Path

HUB = "0192f0c4-9c4e-7aa5-8d3c-1d2e3f405162"
NOW = 1_800_000_000.0
TAKEN, LATER, NEVER = Answer(code=0, name=""), Answer(code=0x97, name=""), Answer(code=0x99, name="")


class Line:
    """Stands for a Hub on the line."""

    def __init__(self, *answers: Answer | Exception) -> None:
        self.answers, self.reported = list(answers), list[bytes]()

    async def report(self, payload: bytes) -> Answer:
        self.reported.append(payload)
        answer = self.answers.pop(0) if self.answers else TAKEN
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return store.create(tmp_path, HUB)


def switch(folder: Path, *capabilities: Capability) -> None:
    store.save(folder, replace(store.load(folder), capabilities=tuple(map(int, capabilities))))


def reports(folder: Path, line: Line) -> Reports:
    made: Any = line
    return Reports(made, folder, Gauges(random.Random(1)), now=lambda: NOW)  # noqa: S311 - no secret


async def test_nothing_is_reported_before_the_owner_says_so_or_after_they_took_it_back(folder: Path) -> None:
    line = Line()
    reporting = reports(folder, line)
    assert await reporting.turn() == 0
    switch(folder, Capability.TELEMETRY)
    await reporting.turn()
    switch(folder, Capability.RELAY)
    await reporting.turn()
    assert len(line.reported) == 1


async def test_a_report_is_what_the_filter_keeps(folder: Path) -> None:
    switch(folder, Capability.TELEMETRY)
    line = Line()
    await reports(folder, line).turn()
    kept = judge(line.reported[0], Form.UNSAID, now=int(NOW))
    assert isinstance(kept, Kept)
    assert None not in kept.readings[0]


@pytest.mark.parametrize("first", [LATER, LinkLostError("broken"), TimeoutError()])
async def test_what_was_not_taken_is_sent_again_with_the_next(folder: Path, first: Answer | Exception) -> None:
    switch(folder, Capability.TELEMETRY)
    line = Line(first)
    reporting = reports(folder, line)
    assert await reporting.turn() == 1
    assert await reporting.turn() == 0
    assert [len(TelemetryBatch.FromString(each).samples) for each in line.reported] == [1, 2]


async def test_an_hour_goes_in_one_report(folder: Path) -> None:
    switch(folder, Capability.TELEMETRY)
    line = Line()
    reporting = reports(folder, line)
    assert [await reporting.turn(report=each == 11) for each in range(12)] == [*range(1, 12), 0]
    assert [len(TelemetryBatch.FromString(each).samples) for each in line.reported] == [12]


async def test_what_is_dropped_for_good_is_not_sent_again(folder: Path) -> None:
    switch(folder, Capability.TELEMETRY)
    line = Line(NEVER)
    reporting = reports(folder, line)
    await reporting.turn()
    await reporting.turn()
    assert [len(TelemetryBatch.FromString(each).samples) for each in line.reported] == [1, 1]


async def test_a_long_silence_is_told_in_reports_of_64(folder: Path) -> None:
    switch(folder, Capability.TELEMETRY)
    line = Line(*(LATER for _ in range(129)))
    reporting = reports(folder, line)
    for _ in range(129):
        await reporting.turn()
    line.reported.clear()
    assert await reporting.turn() == 0
    assert [len(TelemetryBatch.FromString(each).samples) for each in line.reported] == [64, 64, 2]


def test_a_grant_is_signed_by_the_owner_in_its_own_context(folder: Path) -> None:
    record = SignedRecord.FromString(support_grant(folder, NOW))
    keys = store.load(folder).keys
    grant = signing.read(record.statement, SupportGrantStatement)
    assert (grant.hub_id, grant.owner_epoch, grant.not_after_seconds) == (keys.hub_id, keys.owner_epoch, int(NOW))
    owner = keys.owner.public()
    assert signing.is_signed_by(owner, b"ora support grant v1", record.statement, record.signature)
