"""Owns the page tokens of ListHubs: where the last page ended, tied to the filter it was asked with."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import TYPE_CHECKING, Final
from uuid import UUID

from mesh.errors import InvalidArgumentError

if TYPE_CHECKING:
    from ora.fleet.v1 import hub_service_pb2 as pb

    from mesh.ids import HubId

_DEFAULT: Final = 100
_FIRST: Final = UUID(int=0)
# Layout: 8 bytes of the filter's digest, 16 bytes of the last id.
_FILTER_BYTES: Final = 8
_TOKEN_BYTES: Final = 24


def size(request: pb.ListHubsRequest) -> int:
    """Return how many rows a page holds."""
    return request.page_size or _DEFAULT


def token(request: pb.ListHubsRequest, last: HubId) -> str:
    """Return the token of the page after ``last``."""
    return base64.urlsafe_b64encode(_filter(request) + last.bytes).decode("ascii")


def after(request: pb.ListHubsRequest) -> UUID:
    """Return the id that the page starts after, or refuse a token that we did not make for this filter."""
    if not request.page_token:
        return _FIRST
    try:
        raw = base64.b64decode(request.page_token.encode("ascii"), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raw = b""
    if len(raw) != _TOKEN_BYTES or raw[:_FILTER_BYTES] != _filter(request):
        raise InvalidArgumentError.field("page_token", "not a token of this list", reason="PAGE_TOKEN_INVALID")
    return UUID(bytes=raw[_FILTER_BYTES:])


def _filter(request: pb.ListHubsRequest) -> bytes:
    return hashlib.sha256(f"{request.state}\x00{request.lot}".encode()).digest()[:_FILTER_BYTES]
