"""What every object store does; run on the one of files and on the one that speaks S3."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from mesh.errors import DataLossError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from uuid import UUID

    from mesh.objects import Objects

# Longer than a part of a multipart upload, and no multiple of anything.
LONG = bytes(range(251)) * 40_000


async def content(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def read(store: Objects, object_id: UUID, offset: int = 0, length: int | None = None) -> bytes:
    return b"".join([piece async for piece in store.get(object_id, offset=offset, length=length)])


async def listed(store: Objects) -> set[UUID]:
    return {each.object_id async for each in store.list()}


async def what_is_put_is_read(store: Objects) -> None:
    object_id = await store.put(content(b"one ", b"two ", b"", b"three"))
    assert await read(store, object_id) == b"one two three"
    assert object_id in await listed(store)


async def an_empty_object_is_one(store: Objects) -> None:
    object_id = await store.put(content())
    assert await read(store, object_id) == b""
    assert object_id in await listed(store)


async def a_long_object_arrives_whole(store: Objects) -> None:
    pieces = (LONG[start : start + 700_001] for start in range(0, len(LONG), 700_001))
    object_id = await store.put(content(*pieces))
    assert await read(store, object_id) == LONG
    assert await read(store, object_id, offset=9_000_000, length=70_000) == LONG[9_000_000:9_070_000]


async def ranges_are_cut_at_the_end(store: Objects) -> None:
    object_id = await store.put(content(b"0123456789"))
    assert await read(store, object_id, offset=3, length=4) == b"3456"
    assert await read(store, object_id, offset=8, length=100) == b"89"
    assert await read(store, object_id, offset=9) == b"9"
    assert await read(store, object_id, offset=10) == b""
    assert await read(store, object_id, offset=99, length=1) == b""
    assert await read(store, object_id, length=0) == b""


async def a_reader_may_stop(store: Objects) -> None:
    object_id = await store.put(content(LONG[:200_000]))
    stream = store.get(object_id)
    assert (await anext(stream))[:1] == LONG[:1]
    await stream.aclose()  # type: ignore[attr-defined]
    assert len(await read(store, object_id)) == 200_000


async def what_is_not_there_is_said_to_be_lost(store: Objects) -> None:
    with pytest.raises(DataLossError) as refusal:
        await read(store, uuid4())
    assert refusal.value.reason == "OBJECT_MISSING"


async def what_is_deleted_is_gone_and_deleting_twice_is_no_failure(store: Objects) -> None:
    object_id = await store.put(content(b"x"))
    await store.delete(object_id)
    await store.delete(object_id)
    assert object_id not in await listed(store)
    with pytest.raises(DataLossError):
        await read(store, object_id)


async def a_writer_that_breaks_leaves_nothing_to_see(store: Objects) -> None:
    async def breaks() -> AsyncIterator[bytes]:
        yield LONG
        raise RuntimeError("cable")

    before = await listed(store)
    with pytest.raises(RuntimeError, match="cable"):
        await store.put(breaks())
    assert await listed(store) == before


async def a_writer_that_is_cancelled_leaves_nothing_to_see(store: Objects) -> None:
    begun, before = asyncio.Event(), await listed(store)

    async def waits() -> AsyncIterator[bytes]:
        yield LONG
        begun.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(store.put(waits()))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await listed(store) == before


async def a_listing_tells_the_day(store: Objects) -> None:
    before = datetime.now(UTC).date()
    object_id = await store.put(content(b"x"))
    days = {each.object_id: each.day async for each in store.list()}
    assert before <= days[object_id] <= datetime.now(UTC).date()


async def sweeping_spares_what_is_whole(store: Objects) -> None:
    object_id = await store.put(content(b"x"))
    await store.sweep((datetime.now(UTC) + timedelta(days=2)).date())
    assert await read(store, object_id) == b"x"


async def writers_at_once_do_not_meet(store: Objects) -> None:
    made = await asyncio.gather(*(store.put(content(bytes([number]) * 1000)) for number in range(20)))
    assert len(set(made)) == 20
    assert [await read(store, each) for each in made] == [bytes([number]) * 1000 for number in range(20)]


SUITE: list[Callable[[Objects], Awaitable[None]]] = [
    what_is_put_is_read,
    an_empty_object_is_one,
    a_long_object_arrives_whole,
    ranges_are_cut_at_the_end,
    a_reader_may_stop,
    what_is_not_there_is_said_to_be_lost,
    what_is_deleted_is_gone_and_deleting_twice_is_no_failure,
    a_writer_that_breaks_leaves_nothing_to_see,
    a_writer_that_is_cancelled_leaves_nothing_to_see,
    a_listing_tells_the_day,
    sweeping_spares_what_is_whole,
    writers_at_once_do_not_meet,
]
