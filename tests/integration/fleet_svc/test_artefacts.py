"""FirmwareArtefactService: images come in once, in order, and go out in any range."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pytest
from ora.fleet.v1.firmware_artefact_pb2 import FirmwareArtefact
from ora.fleet.v1.firmware_artefact_service_pb2 import (
    DownloadArtefactRequest,
    GetArtefactRequest,
    UploadArtefactRequest,
)
from ora.fleet.v1.firmware_artefact_service_pb2_grpc import FirmwareArtefactServiceStub

from tests.integration.fleet_svc.hub_actor import HubActor
from tests.integration.fleet_svc.node import refused

if TYPE_CHECKING:
    from tests.integration.fleet_svc.node import Node
    from tests.integration.fleet_svc.postgres import Database

# The same in every worker: pytest names tests by it.
IMAGE = hashlib.shake_128(b"image").digest(700_001)
READY, REFUSED = FirmwareArtefact.STATE_READY, FirmwareArtefact.STATE_REFUSED
UPLOADING = FirmwareArtefact.STATE_UPLOADING


def name_of(image: bytes) -> str:
    return f"firmwareArtefacts/{hashlib.sha256(image).hexdigest()}"


def pieces(image: bytes, *, start: int = 0, size: int = 200_000) -> list[UploadArtefactRequest]:
    return [UploadArtefactRequest(offset_bytes=at, data=image[at : at + size]) for at in range(start, len(image), size)]


async def upload(node: Node, name: str, length: int, *requests: UploadArtefactRequest) -> Any:
    """Upload, and return the last answer."""
    first = UploadArtefactRequest(name=name, length_bytes=length)
    stub = FirmwareArtefactServiceStub(node.channel("operator"))
    answers = [each async for each in stub.UploadArtefact(iter([first, *requests]))]
    return answers[-1]


async def download(node: Node, name: str, offset: int = 0, length: int = 0) -> bytes:
    stub = FirmwareArtefactServiceStub(node.channel("gateway"))
    request = DownloadArtefactRequest(name=name, offset_bytes=offset, length_bytes=length)
    return b"".join([each.data async for each in stub.DownloadArtefact(request, metadata=HubActor().metadata)])


async def get(node: Node, name: str) -> Any:
    return await FirmwareArtefactServiceStub(node.channel("operator")).GetArtefact(GetArtefactRequest(name=name))


async def test_an_image_comes_in_and_goes_out_in_any_range(node: Node) -> None:
    name = name_of(IMAGE)
    done = await upload(node, name, len(IMAGE), *pieces(IMAGE))
    assert (done.committed_bytes, done.state) == (len(IMAGE), READY)
    assert (await get(node, name)).state == READY
    assert await download(node, name) == IMAGE
    for offset, length in ((0, 1), (199_999, 2), (200_000, 200_000), (1, 699_999), (700_000, 50)):
        assert await download(node, name, offset, length) == IMAGE[offset : offset + length]
    assert await refused(download(node, name, len(IMAGE))) == ("OUT_OF_RANGE", "BEYOND_THE_END")


async def test_an_upload_goes_on_where_it_stopped(node: Node) -> None:
    name = name_of(IMAGE)
    stopped = await upload(node, name, len(IMAGE), *pieces(IMAGE)[:2])
    assert (stopped.committed_bytes, stopped.state) == (400_000, UPLOADING)
    assert await refused(download(node, name)) == ("NOT_FOUND", "ARTEFACT_UNKNOWN")
    asked = await upload(node, name, len(IMAGE))
    assert asked.committed_bytes == 400_000
    done = await upload(node, name, len(IMAGE), *pieces(IMAGE, start=400_000))
    assert done.state == READY
    assert (await upload(node, name, len(IMAGE))).state == READY


@pytest.mark.parametrize("offset", [0, 100_000, 300_000])
async def test_a_piece_from_elsewhere_is_refused_and_what_was_stored_stays(node: Node, offset: int) -> None:
    name = name_of(IMAGE)
    wrong = UploadArtefactRequest(offset_bytes=offset, data=b"x")
    call = upload(node, name, len(IMAGE), *pieces(IMAGE)[:1], wrong)
    assert await refused(call) == ("OUT_OF_RANGE", "UPLOAD_OUT_OF_ORDER")
    assert (await get(node, name)).committed_bytes == 200_000


async def test_bytes_that_are_not_what_their_name_says_are_deleted(node: Node, database: Database) -> None:
    name = name_of(IMAGE)
    damaged = b"\x00" + IMAGE[1:]
    assert (await upload(node, name, len(IMAGE), *pieces(damaged))).state == REFUSED
    assert await database.value("SELECT count(*) FROM fleet.firmware_piece") == 0
    assert await refused(download(node, name)) == ("NOT_FOUND", "ARTEFACT_UNKNOWN")
    assert (await upload(node, name, len(IMAGE), *pieces(IMAGE))).state == READY


async def test_what_is_ready_takes_no_more(node: Node) -> None:
    name = name_of(IMAGE)
    await upload(node, name, len(IMAGE), *pieces(IMAGE))
    more = UploadArtefactRequest(offset_bytes=len(IMAGE), data=b"x")
    assert await refused(upload(node, name, len(IMAGE), more)) == ("OUT_OF_RANGE", "UPLOAD_OUT_OF_ORDER")


async def test_lengths_bind(node: Node) -> None:
    name = name_of(IMAGE)
    too_long = UploadArtefactRequest(offset_bytes=0, data=b"abc")
    assert await refused(upload(node, name, 2, too_long)) == ("OUT_OF_RANGE", "UPLOAD_TOO_LONG")
    assert await refused(upload(node, name, 3)) == ("FAILED_PRECONDITION", "ARTEFACT_LENGTH_DIFFERS")


@pytest.mark.parametrize("first", [UploadArtefactRequest(data=b"x"), UploadArtefactRequest(name=name_of(b"x"))])
async def test_the_first_message_says_what_and_how_long(node: Node, first: UploadArtefactRequest) -> None:
    call = FirmwareArtefactServiceStub(node.channel("operator")).UploadArtefact(iter([first]))

    async def read() -> None:
        async for _ in call:
            pass

    assert (await refused(read()))[0] == "INVALID_ARGUMENT"


@pytest.mark.parametrize("name", [name_of(IMAGE).upper(), "firmwareArtefacts/" + "g" * 64, name_of(IMAGE)[:-1] + "\n"])
async def test_a_name_has_one_spelling(node: Node, name: str) -> None:
    assert (await refused(get(node, name)))[0] == "INVALID_ARGUMENT"
