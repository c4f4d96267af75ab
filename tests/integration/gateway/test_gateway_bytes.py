"""Raw bytes through the gateway: containers go up and come down as they are, of any size, and from nobody."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import httpx
import pytest

if TYPE_CHECKING:
    from tests.integration.gateway.conftest import World

UPLOAD = "/v1/backupUploads/u-1:write"
DOWNLOAD = "/v1/backups/0123456789abcdef0123456789abcdef/generations/7:download"
OCTETS = {"content-type": "application/octet-stream"}


def door(world: World) -> httpx.Client:
    return httpx.Client(base_url=world.gateway.backup, verify=world.tls(), timeout=20)


@pytest.mark.parametrize("size", [1, 65_536, 8 << 20], ids=["one byte", "64 KiB", "8 MiB"])
def test_a_container_goes_up_as_it_is(world: World, size: int) -> None:
    container = os.urandom(size)
    with door(world) as backup:
        answer = backup.post(f"{UPLOAD}?offsetBytes=12", content=container, headers=OCTETS)
    assert answer.status_code == 200, answer.text
    pieces = world.backup.pieces
    assert b"".join(piece.data.data for piece in pieces) == container
    assert (pieces[0].name, pieces[0].offset_bytes) == ("backupUploads/u-1", 12)


def test_a_container_comes_down_as_it_is(world: World) -> None:
    world.backup.download = [os.urandom(65_536) for _ in range(100)]
    with door(world) as backup:
        answer = backup.get(f"{DOWNLOAD}?offsetBytes=3")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.content == b"".join(world.backup.download)


def test_who_uploads_is_told_to_nobody(world: World) -> None:
    said = {"authorization": "Bearer x", "x-forwarded-for": "192.0.2.1", "cookie": "a=b", "user-agent": "hub"}
    with door(world) as backup:
        backup.post(UPLOAD, content=b"x", headers=OCTETS | said)
    (call,) = world.backup.seen
    assert not {
        "authorization",
        "x-envoy-external-address",
        "x-forwarded-for",
        "cookie",
        "x-forwarded-client-cert",
    } & set(call.metadata)
    assert "127.0.0.1" not in str(call.metadata)
    assert "hub" not in str(call.metadata)


@pytest.mark.parametrize("header", [{"content-encoding": "gzip"}, {"content-type": "application/grpc"}])
def test_a_body_that_cannot_be_read_is_refused_where_bytes_are_taken_too(world: World, header: dict[str, str]) -> None:
    with door(world) as backup:
        answer = backup.post(UPLOAD, content=b"x", headers=OCTETS | header)
    assert (answer.status_code, answer.json()["reason"]) == (415, "MEDIA_TYPE_NOT_SUPPORTED")
    assert not world.backup.seen
