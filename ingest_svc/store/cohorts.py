"""Owns the SQL of cohorts; decides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ingest_svc.domain.cohort import Cohort

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mesh.db import Tx

ADD: Final = """
INSERT INTO ingest.cohort (hardware_model, firmware_version)
SELECT hardware_model, firmware_version
  FROM unnest($1::text[], $2::text[]) AS fresh (hardware_model, firmware_version)
 ORDER BY hardware_model, firmware_version
    ON CONFLICT DO NOTHING
"""
GET: Final = """
SELECT cohort_id, hardware_model, firmware_version
  FROM ingest.cohort
 WHERE (hardware_model, firmware_version) IN (
       SELECT hardware_model, firmware_version
         FROM unnest($1::text[], $2::text[]) AS asked (hardware_model, firmware_version))
"""


async def ids(tx: Tx, cohorts: Sequence[Cohort]) -> dict[Cohort, int]:
    """Return the number of each cohort; a new one gets one."""
    hardware, firmware = [each.hardware_model for each in cohorts], [each.firmware_version for each in cohorts]
    found = await _get(tx, hardware, firmware)
    if len(found) < len(set(cohorts)):
        await tx.execute(ADD, hardware, firmware)
        found = await _get(tx, hardware, firmware)
    return found


async def _get(tx: Tx, hardware: list[str], firmware: list[str]) -> dict[Cohort, int]:
    rows = await tx.fetch(GET, hardware, firmware)
    return {Cohort(row["hardware_model"], row["firmware_version"]): row["cohort_id"] for row in rows}
