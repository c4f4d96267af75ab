"""Owns a manufacturing manifest as a file, and its import: in order, resumed where an earlier attempt stopped.

The file has one base64 line for the SignedRecord of the ManufacturingManifestStatement, then one for each encoded
ManufacturingEntry, in the order of the chain that the statement closes.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ora.common.v1.signed_record_pb2 import SignedRecord
from ora.fleet.v1.manifest_pb2 import ManufacturingImport
from ora.fleet.v1.manifest_service_pb2 import (
    CommitImportRequest,
    ListImportProblemsRequest,
    StartImportRequest,
    UploadEntriesRequest,
)
from ora.fleet.v1.manifest_service_pb2_grpc import ManifestServiceStub

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from ora.fleet.v1.manifest_pb2 import ImportProblem

    from mesh.channel import Channel

_PIECE: Final = 1000


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a factory vouches for."""

    record: SignedRecord
    entries: list[bytes]


def read(path: Path) -> Manifest:
    """Read the file.

    Raises:
        ValueError: it is no manifest.
    """
    with path.open(encoding="ascii") as lines:
        first, *rest = [base64.b64decode(line, validate=True) for line in map(str.strip, lines) if line]
    return Manifest(SignedRecord.FromString(first), rest)


def write(path: Path, manifest: Manifest) -> None:
    """Write the file."""
    with path.open("w", encoding="ascii") as file:
        for each in (manifest.record.SerializeToString(deterministic=True), *manifest.entries):
            file.write(f"{base64.b64encode(each).decode()}\n")


async def run(
    channel: Channel, manifest: Manifest, progress: Callable[[int, int], None] = lambda _done, _all: None
) -> tuple[ManufacturingImport, list[ImportProblem]]:
    """Import; return how it ended, and the first problems if there are any. All entries become Hubs, or none."""
    stub = ManifestServiceStub(channel)
    opened = await stub.StartImport(StartImportRequest(manifest=manifest.record))
    if opened.state == ManufacturingImport.STATE_COMMITTED:
        return opened, []
    problems = opened.problem_count
    if opened.committed_count < len(manifest.entries):
        async for answer in stub.UploadEntries(_pieces(opened, manifest.entries)):
            problems = answer.problem_count
            progress(answer.committed_count, len(manifest.entries))
    if problems:
        listed = await stub.ListImportProblems(ListImportProblemsRequest(parent=opened.name))
        return opened, list(listed.import_problems)
    return await stub.CommitImport(CommitImportRequest(name=opened.name)), []


async def _pieces(opened: ManufacturingImport, entries: list[bytes]) -> AsyncIterator[UploadEntriesRequest]:
    name = opened.name
    for at in range(opened.committed_count, len(entries), _PIECE):
        yield UploadEntriesRequest(name=name, first_entry_index=at, entries=entries[at : at + _PIECE])
        name = ""
