"""Owns making equal requests have one effect: the record of a request is written in the transaction of its effect.

The first call inserts the record and commits it with the effect. A second one waits for it at the primary key, then
finds the result, or a different body, or (if the first failed) nothing and goes ahead itself. SECRET fields are not
kept, so a repeated answer lacks them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from google.protobuf.message import Message

from mesh.call import current_call
from mesh.errors import InternalError, RequestIdReusedError
from mesh.redact import without_secrets

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mesh.db import Database, Tx

M = TypeVar("M", bound=Message)

_CLAIM: Final = """
INSERT INTO {schema}.request_record (scope, method, request_id, digest)
VALUES ($1, $2, $3, $4)
    ON CONFLICT DO NOTHING
"""
_READ: Final = """
SELECT digest, response
  FROM {schema}.request_record
 WHERE scope = $1 AND method = $2 AND request_id = $3
"""
_FINISH: Final = """
UPDATE {schema}.request_record
   SET response = $4
 WHERE scope = $1 AND method = $2 AND request_id = $3
"""
_SWEEP: Final = """
DELETE FROM {schema}.request_record
 WHERE created_at < now() - interval '24 hours'
"""


async def sweep(database: Database, schema: str) -> None:
    """Delete the records that are older than 24 hours: a job's work."""
    async with database.platform() as tx:
        await tx.execute(_SWEEP.format(schema=schema))


async def once(tx: Tx, schema: str, kind: type[M], effect: Callable[[], Awaitable[M]]) -> M:
    """Return the result of ``effect``, run in ``tx`` at most once for the current call's ``request_id``."""
    call = current_call()
    key = call.request_key
    if key is None:
        raise InternalError(f"{call.method.path} has no request_id by its policy")
    call.request_key_used = True
    place = (key.scope, key.method, key.request_id)
    if await tx.execute(_CLAIM.format(schema=schema), *place, key.digest) == "INSERT 0 1":
        response = await effect()
        await tx.execute(_FINISH.format(schema=schema), *place, without_secrets(response).SerializeToString())
        return response
    row = await tx.fetchrow(_READ.format(schema=schema), *place)
    if row is None or row["digest"] != key.digest:
        raise RequestIdReusedError("this request_id was used for another request")
    return kind.FromString(row["response"])
