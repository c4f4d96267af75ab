"""Owns the one connection on which PostgreSQL says whose admission changed; decides nothing and tells nobody."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import asyncpg

from fleet_svc.store import admissions
from mesh.ids import HubId

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from fleet_svc.domain.admission import Facts
    from mesh.settings import DatabaseConfig

# Named by the trigger `hub_notify`. The notice is a Hub's id and leaves with the commit of the change.
CHANNEL: Final = "fleet_admission"

# What a connection that is lost, refused or hung raises.
LOST: Final = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)


class Changes:
    """An open connection that hears every notice; reading proves that it still does."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def read(self, hub_ids: Sequence[HubId]) -> list[Facts]:
        """Return the facts of ``hub_ids``. When this returns, every notice committed before the call was heard."""
        return await admissions.read(self._connection, hub_ids)


@asynccontextmanager
async def listen(
    config: DatabaseConfig, *, heard: Callable[[HubId], None], ended: Callable[[], None]
) -> AsyncIterator[Changes]:
    """Hear each change from now on: ``heard`` is called with the Hub, ``ended`` when the connection is lost."""

    def on_notice(_connection: object, _pid: int, _channel: str, payload: object) -> None:
        heard(HubId(UUID(str(payload))))

    connection = await asyncpg.connect(
        config.url.reveal(),
        timeout=config.acquire_seconds,
        command_timeout=config.statement_seconds,
        server_settings={"application_name": "fleet admission changes"},
    )
    try:
        connection.add_termination_listener(lambda _connection: ended())
        await connection.add_listener(CHANNEL, on_notice)
        yield Changes(connection)
    finally:
        connection.terminate()
