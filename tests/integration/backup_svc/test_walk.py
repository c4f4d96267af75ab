"""Tickets, uploads, generations, downloads, keeping and deleting, through the whole service."""

from __future__ import annotations

import asyncio
import hashlib
import time
from typing import TYPE_CHECKING, Any

import pytest
from ora.backup.v1 import backup_service_pb2 as pb
from ora.backup.v1 import backup_upload_service_pb2 as upload_pb
from ora.backup.v1 import ticket_service_pb2 as ticket_pb
from ora.backup.v1.backup_service_pb2_grpc import BackupServiceStub
from ora.backup.v1.backup_statement_pb2 import BACKUP_ACTION_DELETE, BACKUP_ACTION_KEEP, BackupActionStatement
from ora.common.v1.signed_record_pb2 import SignedRecord

from sdk.backup.reader import open_container
from sdk.backup.recovery_key import new_recovery_key
from sdk.backup.writer import room_in
from tests.integration.backup_svc.world import Hub, noise, refused

if TYPE_CHECKING:
    from tests.integration.backup_svc.world import World


def word(hub: Hub, action: int, *, generation: int, keys: Any = None, seconds: float = 600) -> SignedRecord:
    """Return what the owner's key signs."""
    statement = BackupActionStatement(
        action=action,  # type: ignore[arg-type]
        locator=hub.keys.locator,
        generation=generation,
        not_after_seconds=int(time.time() + seconds),
    ).SerializeToString(deterministic=True)
    writer = (keys or hub.keys).writer
    return SignedRecord(
        statement=statement,
        signature=writer.sign(b"ora backup action v1\0" + statement),
        key_id=hashlib.sha256(writer.public()).digest()[:8],
    )


@pytest.mark.parametrize("bucket", [16, 17, 20, 23])
async def test_what_was_uploaded_is_downloaded_and_opens(world: World, bucket: int) -> None:
    hub, content = world.admit(Hub()), noise(room_in(bucket) - 1)
    container = hub.container(content)
    stored = await world.store(hub, container)
    assert (stored.head.generation, stored.head.size_bucket) == (1, bucket)
    got = await world.download(stored.name)
    assert got == container
    assert open_container(got, hub.keys).content == content
    assert (
        await world.download(stored.name, offset=1000, length=70_000) == container[1000:71_000][: len(container) - 1000]
    )
    assert await refused(world.download(stored.name, offset=min(len(container), 8388608))) == (
        "OUT_OF_RANGE",
        "OUT_OF_RANGE",
    )


async def test_generations_rise_and_the_oldest_go(world: World) -> None:
    hub = world.admit(Hub())
    for _ in range(5):
        await world.store(hub, hub.container())
    listed = await world.backups.ListGenerations(pb.ListGenerationsRequest(parent=hub.name, page_size=2))
    assert [each.head.generation for each in listed.generations] == [5, 4]
    rest = await world.backups.ListGenerations(
        pb.ListGenerationsRequest(parent=hub.name, page_size=2, page_token=listed.next_page_token)
    )
    assert [each.head.generation for each in rest.generations] == [3]
    assert rest.next_page_token == ""
    assert listed.generations[0].head.previous_digest == listed.generations[1].head.digest
    assert len(await world.stored()) == 3
    assert await refused(world.download(f"{hub.name}/generations/2")) == ("NOT_FOUND", "BACKUP_UNKNOWN")


async def test_an_interrupted_upload_goes_on_where_it_stopped(world: World) -> None:
    hub = world.admit(Hub())
    container = hub.container(noise(300_000))
    upload = await world.create(hub, len(container))
    first = await world.send(upload.name, container[:200_001])
    assert first.committed_bytes == 200_001
    assert await refused(world.send(upload.name, container)) == ("OUT_OF_RANGE", "UPLOAD_OUT_OF_ORDER")
    assert await refused(world.commit(upload.name)) == ("FAILED_PRECONDITION", "TRUNCATED")
    found = await world.uploads.GetUpload(upload_pb.GetUploadRequest(name=upload.name))
    await world.send(upload.name, container[found.committed_bytes :], offset=found.committed_bytes)
    stored = await world.commit(upload.name)
    assert await world.download(stored.name) == container
    assert await world.commit(upload.name) == stored  # a retry has the same answer
    assert len(await world.stored()) == 1


async def test_two_hubs_on_one_line_are_a_fork(world: World) -> None:
    hub = world.admit(Hub())
    await world.store(hub, hub.container())
    before = hub.recipe
    ours = hub.container()
    hub.recipe = before
    theirs = hub.container()
    await world.store(hub, ours)
    assert await refused(world.store(hub, theirs)) == ("ABORTED", "FORK")
    hub.recipe = before
    assert await world.newest(hub) == 2
    assert await world.download(f"{hub.name}/generations/2") == ours


async def test_of_many_commits_at_once_one_wins(world: World) -> None:
    hub = world.admit(Hub())
    start, names = hub.recipe, []
    for _ in range(6):
        hub.recipe = start
        container = hub.container()
        upload = await world.create(hub, len(container))
        await world.send(upload.name, container)
        names.append(upload.name)
    ends = await asyncio.gather(*(world.commit(name) for name in names), return_exceptions=True)
    assert sum(not isinstance(end, BaseException) for end in ends) == 1
    assert await world.newest(hub) == 1


async def test_the_same_container_again_is_the_same_generation(world: World) -> None:
    hub = world.admit(Hub())
    container = hub.container()
    assert await world.store(hub, container) == await world.store(hub, container)
    assert len(await world.stored()) == 1


async def test_another_write_key_does_not_get_onto_a_line(world: World) -> None:
    hub = world.admit(Hub())
    await world.store(hub, hub.container())
    stranger = new_recovery_key().keys()
    forged = Hub(id=hub.id, keys=type(stranger)(hub.keys.locator, stranger.writer, stranger.slot_secret))
    forged.recipe = type(hub.recipe)(
        keys=forged.keys, cost=hub.recipe.cost, generation=2, previous_digest=hub.recipe.previous_digest
    )
    assert await refused(world.store(hub, forged.container())) == ("INVALID_ARGUMENT", "SIGNATURE")


async def test_delete_and_keep_need_the_write_key(world: World) -> None:
    hub = world.admit(Hub())
    await world.store(hub, hub.container())
    other = new_recovery_key().keys()
    for record, answer in (
        (word(hub, BACKUP_ACTION_DELETE, generation=1, keys=other), ("NOT_FOUND", "BACKUP_UNKNOWN")),
        (word(hub, BACKUP_ACTION_KEEP, generation=1), ("NOT_FOUND", "BACKUP_UNKNOWN")),
        (word(hub, BACKUP_ACTION_DELETE, generation=1, seconds=-5), ("INVALID_ARGUMENT", "STATEMENT_TIME")),
        (word(hub, BACKUP_ACTION_DELETE, generation=1, seconds=9000), ("INVALID_ARGUMENT", "STATEMENT_TIME")),
        (word(hub, BACKUP_ACTION_DELETE, generation=0), ("ABORTED", "GENERATION_NEWER")),
    ):
        assert await refused(world.backups.DeleteBackup(pb.DeleteBackupRequest(name=hub.name, record=record))) == answer
    kept = await world.backups.KeepBackup(
        pb.KeepBackupRequest(name=hub.name, record=word(hub, BACKUP_ACTION_KEEP, generation=1))
    )
    assert kept.purge_day.ToSeconds() > time.time() + 500 * 86400
    gone = await world.backups.DeleteBackup(
        pb.DeleteBackupRequest(name=hub.name, record=word(hub, BACKUP_ACTION_DELETE, generation=1))
    )
    assert gone.deleted_count == 1
    assert await world.stored() == []
    assert await refused(world.newest(hub)) == ("NOT_FOUND", "BACKUP_UNKNOWN")


async def test_statistics_count_by_size(world: World) -> None:
    hub = world.admit(Hub())
    await world.store(hub, hub.container())
    await world.store(hub, hub.container(noise(100_000)))
    found = await BackupServiceStub(world.operator).GetBackupStatistics(pb.GetBackupStatisticsRequest())
    assert {each.size_bucket: each.count for each in found.buckets} == {16: 1, 17: 1}


# Tickets.


async def test_a_ticket_is_good_once_and_its_request_again_is_the_same_upload(world: World) -> None:
    hub = world.admit(Hub())
    ticket = await world.ticket(hub)
    upload = await world.create(hub, 65536, ticket)
    assert await world.create(hub, 65536, ticket) == upload
    assert await refused(world.create(hub, 131072, ticket)) == ("PERMISSION_DENIED", "TICKET_REFUSED")
    assert await refused(world.create(Hub(), 65536, ticket)) == ("PERMISSION_DENIED", "TICKET_REFUSED")
    ticket.input = noise(64)
    assert await refused(world.create(hub, 65536, ticket)) == ("PERMISSION_DENIED", "TICKET_REFUSED")


async def test_tickets_need_consent_and_end_at_eight_a_day(world: World) -> None:
    hub, shut, stranger = world.admit(Hub()), world.admit(Hub(), consent=False), Hub()
    assert await refused(world.ticket(shut)) == ("PERMISSION_DENIED", "CONSENT_OFF")
    assert await refused(world.ticket(stranger)) == ("PERMISSION_DENIED", "HUB_UNKNOWN")
    blinded = await world.blind()
    first = await world.issue(hub, blinded)
    assert await world.issue(hub, blinded) == first
    for left in range(6, -1, -1):
        assert (await world.issue(hub, await world.blind())).remaining_count == left
    assert await refused(world.ticket(hub)) == ("RESOURCE_EXHAUSTED", "TICKETS_USED_UP")
    assert (await world.issue(hub, blinded)).blind_signatures == first.blind_signatures


async def test_a_hub_gets_no_ticket_in_another_name(world: World) -> None:
    hub, other = world.admit(Hub()), world.admit(Hub())
    blinded = await world.blind()
    call = world.tickets.IssueTickets(
        ticket_pb.IssueTicketsRequest(
            hub=f"hubs/{other.id}", key_id=blinded.key_id, blinded_messages=[blinded.message]
        ),
        metadata=hub.metadata,
    )
    assert await refused(call) == ("PERMISSION_DENIED", "HUB_MISMATCH")


async def test_the_key_survives_a_restart(world: World) -> None:
    hub = world.admit(Hub())
    ticket = await world.ticket(hub)
    world.stop()
    await world.start()
    assert (await world.create(hub, 65536, ticket)).length_bytes == 65536
    assert (await world.blind()).key_id == ticket.key_id
