"""Owns the cursors of the portal's lists: a few texts under a page token; each list knows what its own mean."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from mesh.call import current_call

if TYPE_CHECKING:
    from collections.abc import Sequence

    from google.protobuf.message import Message

    from portal_svc.api.desk import Desk

DEFAULT: Final = 50


def size_of(request: Message) -> int:
    """Return how many entries a page has; the contract bounds it."""
    size: int = request.page_size  # type: ignore[attr-defined]
    return size or DEFAULT


def cursor_of(desk: Desk, request: Message) -> list[str]:
    """Return where the page before ended; empty for the first page."""
    sealed = desk.tokens.open(current_call(), request)
    return [str(each) for each in json.loads(sealed)] if sealed else []


def token(desk: Desk, request: Message, found: Sequence[object], *last: object) -> str:
    """Return the token of the next page, if ``found`` has more than a page; ``last`` is where this page ends."""
    if len(found) <= size_of(request):
        return ""
    return desk.tokens.seal(current_call(), request, json.dumps([str(each) for each in last]).encode())
