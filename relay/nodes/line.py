"""Owns one connection to Redis that one caller has for itself. Knows no key.

A command through the client costs three times what it costs through a connection of the same library: a pool, a retry,
a task for the time limit (ADR 38).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from redis.exceptions import ConnectionError as LostError
from redis.exceptions import NoScriptError

if TYPE_CHECKING:
    from redis.asyncio import Connection

    from mesh.redis import Redis


class Line:
    """The connection; opened at the first command, and again after a fault. One command at a time."""

    def __init__(self, redis: Redis) -> None:
        self._pool = redis.connection_pool
        self._seconds: float | None = self._pool.connection_kwargs.get("socket_timeout")
        self._connection: Connection | None = None

    async def call(self, *command: str | int) -> Any:
        """Return the answer to a command; raises what the client raises, and ``TimeoutError``.

        A connection that has been lost since the last command is opened again once, and the command repeated.
        """
        known = self._connection
        try:
            return await self._call(command)
        except LostError:
            if known is None:
                raise
            return await self._call(command)

    async def _call(self, command: tuple[str | int, ...]) -> Any:
        try:
            async with asyncio.timeout(self._seconds):
                connection = self._connection or await self._open()
                await connection.send_packed_command(connection.pack_command(*command), check_health=False)
                return await connection.read_response(disable_decoding=True)
        except NoScriptError:
            raise
        except BaseException:
            # What was asked may be answered still, and must not be taken for the answer to the next command; and a
            # server that refuses may have become a replica.
            await self.close()
            raise

    async def _open(self) -> Connection:
        connection: Connection = self._pool.make_connection()
        await connection.connect()  # type: ignore[no-untyped-call]
        # The limit of ``call`` holds for all of a command.
        connection.socket_timeout = None
        self._connection = connection
        return connection

    async def close(self) -> None:
        """Let go of the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.disconnect(nowait=True)
