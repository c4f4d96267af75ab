"""After the strip nothing in the database says whose home it was, and no secret was ever there."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from ora.portal.v1 import checklist_item_pb2, checklist_item_service_pb2, project_pb2, project_service_pb2

from mesh.errors import DataLossError
from mesh.kms import FileKms
from tests.integration.fleet_svc.node import refused
from tests.integration.fleet_svc.postgres import BIN
from tests.integration.portal_svc.world import request_id

if TYPE_CHECKING:
    from tests.integration.portal_svc.world import World

MARK = "Xanthippe"
FIELDS: dict[str, Any] = {
    "display_name": f"{MARK} kitchen",
    "reference": f"{MARK}-77",
    "site": project_pb2.SiteAddress(
        address_lines=[f"1 {MARK} Street"], locality=f"{MARK}ville", administrative_area=MARK, postal_code="X4NT"
    ),
    "customer": project_pb2.Customer(display_name=f"Mrs {MARK}", email=f"{MARK}@example.org", phone="+61255501234"),
    "notes": f"{MARK} has a dog",
}
MARKERS = (MARK, MARK.lower(), "X4NT", "+61255501234", MARK.encode().hex(), MARK.lower().encode().hex())


def dump(portal: World) -> str:
    """Return every row of the database, as text and, of bytes, as hexadecimal digits."""
    url = portal.database.cluster.url(portal.database.name)
    command = [str(BIN / "pg_dump"), "--data-only", "--inserts", url]
    made: subprocess.CompletedProcess[str] = subprocess.run(command, capture_output=True, text=True, check=True)
    return made.stdout


def found_in(text: str) -> list[str]:
    return [each for each in MARKERS if each in text]


async def test_nothing_personal_is_left_of_a_stripped_project(portal: World) -> None:
    await portal.found()
    project, hub = await portal.ready(**FIELDS)
    assert found_in(dump(portal)) == []  # not even while it lives: what is personal is sealed
    shown = await portal.get(project)
    assert (shown.customer, shown.site, shown.notes) == (FIELDS["customer"], FIELDS["site"], FIELDS["notes"])
    _, key = await portal.initiate(project)
    await portal.receipt(hub, await portal.claim(key))
    await portal.settle(hours=2)
    left = dump(portal)
    assert found_in(left) == []
    assert key.auth.private_bytes_raw().hex() not in left
    gone = "SELECT num_nulls(sealed, data_key, hub_id, owner_member_id) FROM portal.project"
    assert await portal.database.value(gone) == 4


async def test_the_data_key_is_destroyed_also_for_a_backup(portal: World) -> None:
    await portal.found()
    made = await portal.project(**FIELDS)
    blob = await portal.database.value("SELECT data_key FROM portal.project")
    cancel = project_service_pb2.CancelProjectRequest(
        name=made.name, reason=project_service_pb2.CancelProjectRequest.REASON_MISTAKE, request_id=request_id()
    )
    cancelled = await portal.projects.CancelProject(cancel, metadata=portal.boss.bearer())
    assert (cancelled.name, cancelled.state) == (made.name, project_pb2.Project.STATE_CANCELLED)
    assert cancelled.display_name == ""
    assert await portal.projects.CancelProject(cancel, metadata=portal.boss.bearer()) is not None
    with pytest.raises(DataLossError, match="destroyed"):
        await FileKms(portal.kms_folder).unwrap(blob, {})
    assert (await refused(portal.get(made.name)))[0] == "NOT_FOUND"


async def test_a_project_that_nobody_touches_is_given_up(portal: World) -> None:
    await portal.found()
    made = await portal.project(**FIELDS)
    await portal.settle(days=179)
    item = checklist_item_service_pb2.CreateChecklistItemRequest(
        parent=made.name, checklist_item=checklist_item_pb2.ChecklistItem(title=MARK), request_id=request_id()
    )
    await portal.license(portal.boss, days=4000)
    await portal.checklist.CreateChecklistItem(item, metadata=portal.boss.bearer())
    await portal.settle(days=179)
    assert (await portal.get(made.name)).state == project_pb2.Project.STATE_DRAFT
    await portal.settle(days=2)
    assert await portal.database.value("SELECT state FROM portal.project") == "CANCELLED"
    assert found_in(dump(portal)) == []
