"""Owns the answer to a repeated request: what is kept of the first answer is a name, so no personal data is kept.

The answer itself is read again; where its resource is not to be read any more, the name and etag are the answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from google.protobuf.message import Message

from mesh.errors import OraError
from mesh.idempotency import once
from portal_svc.api.desk import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mesh.db import Tx

M = TypeVar("M", bound=Message)


async def repeatable(
    tx: Tx, kind: type[M], effect: Callable[[], Awaitable[M]], again: Callable[[M], Awaitable[M]]
) -> M:
    """Return what ``effect`` does at most once for the current ``request_id``, or what ``again`` reads of it now."""
    made: list[M] = []

    async def first() -> M:
        made.append(await effect())
        return _kept(made[0])

    kept = await once(tx, SCHEMA, kind, first)
    if made:
        return made[0]
    try:
        return await again(kept)
    except OraError:
        return kept


def _kept(answer: M) -> M:
    given: Any = answer
    kept: Any = type(answer)()
    for name in ("name", "etag", "state"):
        if name in answer.DESCRIPTOR.fields_by_name:
            setattr(kept, name, getattr(given, name))
    return kept  # type: ignore[no-any-return]
