"""Owns the contract's messages of what is stored. Decides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ora.ingest.v1 import health_pb2

if TYPE_CHECKING:
    import asyncpg


def to_record(row: asyncpg.Record) -> health_pb2.HealthRecord:
    """Return one bucket."""
    return health_pb2.HealthRecord(
        bucket_time=row["bucket_time"],
        cpu_pct=row["cpu_pct"],
        ram_pct=row["ram_pct"],
        signal_dbm=row["signal_dbm"],
    )


def to_cohort(row: asyncpg.Record) -> health_pb2.HealthCohort:
    """Return the cohort of a row."""
    return health_pb2.HealthCohort(hardware_model=row["hardware_model"], firmware_version=row["firmware_version"])
