"""Objects in a store that speaks S3: the suite of all stores, and what only such a store can do."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from mesh.errors import UnavailableError
from mesh.objects_s3 import S3Objects
from tests.integration.mesh import s3
from tests.suites.objects import SUITE, content, listed, read

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from mesh.objects import Objects


@pytest.fixture(scope="module")
def server() -> Iterator[s3.S3]:
    with s3.running() as running:
        yield running


@pytest.fixture
def store(server: s3.S3) -> Iterator[S3Objects]:
    made = server.objects()
    yield made
    made._client.close()


@pytest.mark.parametrize("check", SUITE, ids=lambda each: each.__name__)
async def test_objects_in_s3(check: Callable[[Objects], Awaitable[None]], store: S3Objects) -> None:
    await check(store)


async def test_a_bucket_may_be_shared_by_prefix(store: S3Objects) -> None:
    other = S3Objects(store._bucket, "backups/deep", client=store._client)
    mine, theirs = await store.put(content(b"mine")), await other.put(content(b"theirs"))
    store._client.put_object(Bucket=store._bucket, Key="plans/README", Body=b"no object of ours")
    assert await listed(store) == {mine}
    assert await listed(other) == {theirs}


async def test_a_long_listing_is_read_to_its_end(store: S3Objects) -> None:
    made = {await store.put(content(b"x")) for _ in range(5)}
    whole = store._client.list_objects_v2

    def short(**values: object) -> object:
        return whole(**values, MaxKeys=2)

    store._client.list_objects_v2 = short
    assert await listed(store) == made


async def test_what_a_dead_writer_left_is_aborted_when_it_is_old(store: S3Objects) -> None:
    store._client.create_multipart_upload(Bucket=store._bucket, Key=f"plans/ab/{uuid4().hex}")
    began = date(2010, 11, 10)  # moto says so of every upload
    await store.sweep(began)
    assert len(store._client.list_multipart_uploads(Bucket=store._bucket).get("Uploads", [])) == 1
    await store.sweep(began + timedelta(days=1))
    assert store._client.list_multipart_uploads(Bucket=store._bucket).get("Uploads", []) == []
    assert await listed(store) == set()


async def test_a_store_that_is_away_says_so(server: s3.S3) -> None:
    client = server.client(endpoint="http://127.0.0.1:9")
    away = S3Objects("bucket", client=client)
    for attempt in (away.put(content(b"x")), away.delete(uuid4()), read(away, uuid4()), listed(away)):
        with pytest.raises(UnavailableError) as refusal:
            await attempt
        assert refusal.value.reason == "OBJECT_STORE_UNAVAILABLE"
    client.close()


async def test_a_bucket_that_is_not_there_is_no_lost_object(server: s3.S3) -> None:
    client = server.client()
    with pytest.raises(UnavailableError):
        await S3Objects("no-such-bucket-of-ours", client=client).put(content(b"x"))
    client.close()
