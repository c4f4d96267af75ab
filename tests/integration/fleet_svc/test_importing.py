"""A manifest as a file: written, read, imported, resumed, and refused with its problems."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from ora.fleet.v1.manifest_pb2 import ManufacturingImport

from devstack.fleet import importing
from devstack.fleet.importing import Manifest
from tests.integration.fleet_svc.test_manifests import Factory, World, an_entry, issuer, world

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.fleet_svc.postgres import Database

__all__ = ["issuer", "world"]


async def test_a_file_becomes_hubs_from_where_it_stopped(world: World, database: Database, tmp_path: Path) -> None:
    factory = Factory()
    await world.register(factory)
    entries = [an_entry() for _ in range(2500)]
    path = tmp_path / "lot.manifest"
    importing.write(path, Manifest(factory.manifest(entries), entries))
    read = importing.read(path)
    assert read.entries == entries
    opened = await world.start(read.record)
    await world.upload(opened.name, entries[:1000])
    told: list[tuple[int, int]] = []
    channel = world.node.channel("operator")
    ended, problems = await importing.run(channel, read, lambda done, total: told.append((done, total)))
    assert (ended.state, ended.hub_count, problems) == (ManufacturingImport.STATE_COMMITTED, 2500, [])
    assert told == [(2000, 2500), (2500, 2500)]
    assert (await importing.run(channel, read))[0].state == ManufacturingImport.STATE_COMMITTED
    assert await database.value("SELECT count(*) FROM fleet.hub") == 2500


async def test_what_is_wrong_is_told_and_nothing_is_imported(world: World, database: Database) -> None:
    factory = Factory()
    await world.register(factory)
    twice = uuid.uuid4().bytes
    entries = [an_entry(hub_id=twice), an_entry(), an_entry(hub_id=twice)]
    _, problems = await importing.run(world.node.channel("operator"), Manifest(factory.manifest(entries), entries))
    assert [each.entry_index for each in problems] == [2]
    assert await database.value("SELECT count(*) FROM fleet.hub") == 0
