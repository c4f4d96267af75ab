"""Owns the page tokens of fleet_svc's lists: where the last page ended, tied to the question it was asked with."""

from __future__ import annotations

import base64
import binascii
import hashlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, Protocol
from uuid import UUID

from mesh.errors import InvalidArgumentError

if TYPE_CHECKING:
    from ora.fleet.v1 import certificate_service_pb2, hub_service_pb2

    from fleet_svc.domain.certificate import Certificate
    from mesh.ids import HubId

_DEFAULT: Final = 100
_FIRST: Final = UUID(int=0)
# Layout: 8 bytes of the question's digest, then the cursor.
_QUESTION_BYTES: Final = 8
_UUID_BYTES: Final = 16
_TIME_BYTES: Final = 8
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class Paged(Protocol):
    """A request for one page."""

    page_size: int
    page_token: str


def size(request: Paged) -> int:
    """Return how many rows a page holds; the contract bounds it."""
    return request.page_size or _DEFAULT


def hub_token(request: hub_service_pb2.ListHubsRequest, last: HubId) -> str:
    """Return the token of the page after ``last``."""
    return seal(_hubs(request), last.bytes)


def after_hub(request: hub_service_pb2.ListHubsRequest) -> UUID:
    """Return the id that the page starts after."""
    cursor = cursor_of(request, _hubs(request), length=_UUID_BYTES)
    return _FIRST if cursor is None else UUID(bytes=cursor)


def certificate_token(request: certificate_service_pb2.ListCertificatesRequest, last: Certificate) -> str:
    """Return the token of the page after ``last``."""
    return seal(request.parent, time_cursor(last.create_time) + last.serial)


def after_certificate(request: certificate_service_pb2.ListCertificatesRequest) -> tuple[datetime, bytes] | None:
    """Return the instant and serial that the page starts after; None for the first page."""
    cursor = cursor_of(request, request.parent)
    return None if cursor is None else from_time_cursor(cursor)


def time_cursor(instant: datetime) -> bytes:
    """Return ``instant`` as the first part of a cursor."""
    return ((instant - _EPOCH) // _MICROSECOND).to_bytes(_TIME_BYTES, "big")


def from_time_cursor(cursor: bytes) -> tuple[datetime, bytes]:
    """Return the instant that a cursor begins with, and the rest."""
    try:
        return _EPOCH + int.from_bytes(cursor[:_TIME_BYTES], "big") * _MICROSECOND, cursor[_TIME_BYTES:]
    except OverflowError:
        raise _refusal() from None


def _hubs(request: hub_service_pb2.ListHubsRequest) -> str:
    return f"{request.state}\x00{request.lot}"


def seal(question: str, cursor: bytes) -> str:
    """Return the token that goes on after ``cursor`` with the same question."""
    return base64.urlsafe_b64encode(_digest(question) + cursor).decode("ascii")


def cursor_of(request: Paged, question: str, *, length: int | None = None) -> bytes | None:
    """Return where the page starts; None for the first one. A token of another question is refused."""
    if not request.page_token:
        return None
    try:
        raw = base64.b64decode(request.page_token.encode("ascii"), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise _refusal() from None
    cursor = raw[_QUESTION_BYTES:]
    if raw[:_QUESTION_BYTES] != _digest(question) or length not in {None, len(cursor)}:
        raise _refusal()
    return cursor


def _digest(question: str) -> bytes:
    return hashlib.sha256(question.encode()).digest()[:_QUESTION_BYTES]


def _refusal() -> InvalidArgumentError:
    return InvalidArgumentError.field("page_token", "not a token of this list", reason="PAGE_TOKEN_INVALID")
