"""Owns the PostgreSQL pool and the transaction, which is always either one tenant's or, by name, nobody's.

Row security reads ``app.tenant_id``; it is set inside the transaction and ends with it, so a pooled connection never
carries a tenant. Statements live in the services' ``store`` modules.
"""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Literal

import asyncpg

from mesh.errors import AbortedError, DeadlineExceededError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from asyncpg.pool import PoolConnectionProxy

    from mesh.ids import TenantId
    from mesh.settings import DatabaseConfig

    Tx = PoolConnectionProxy[asyncpg.Record]
    Pool = asyncpg.Pool[asyncpg.Record]

Isolation = Literal["read_committed", "repeatable_read", "serializable"]

_SET_TENANT: Final = "SELECT set_config('app.tenant_id', $1, true)"
_SOON: Final = timedelta(seconds=1)
_HEARTBEAT_SECONDS: Final = 1.0
_RELISTEN_SECONDS: Final = 0.2
_LOST_RACE: Final = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.LockNotAvailableError,
)
_AWAY: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    # Too many connections, no memory, a disk that is full or broken: no fault of ours, and over when it is mended.
    asyncpg.InsufficientResourcesError,
    asyncpg.PostgresIOError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.InterfaceError,
    # What a connection says of itself that died in the middle of a word.
    asyncpg.InternalClientError,
    OSError,
)


class Database:
    """The service's own schema, through its own role."""

    def __init__(self, pool: Pool, config: DatabaseConfig) -> None:
        self._pool, self._config = pool, config

    def tenant(
        self, tenant: TenantId, *, read_only: bool = False, isolation: Isolation = "read_committed"
    ) -> AbstractAsyncContextManager[Tx]:
        """Open a transaction that sees one tenant's rows."""
        return self._transaction(str(tenant), read_only=read_only, isolation=isolation)

    def platform(
        self, *, read_only: bool = False, isolation: Isolation = "read_committed"
    ) -> AbstractAsyncContextManager[Tx]:
        """Open a transaction of no tenant: tables under row security show no rows."""
        return self._transaction(None, read_only=read_only, isolation=isolation)

    @asynccontextmanager
    async def _transaction(self, tenant: str | None, *, read_only: bool, isolation: Isolation) -> AsyncIterator[Tx]:
        async with self._acquired() as connection:
            with_tenant = connection.transaction(isolation=isolation, readonly=read_only)
            try:
                async with with_tenant:
                    if tenant is not None:
                        await enter_tenant(connection, tenant)
                    yield connection
            except _LOST_RACE as error:
                raise AbortedError("another change came first", reason="CONCURRENT_UPDATE") from error
            except asyncpg.InvalidCachedStatementError as error:
                # A migration has changed what a statement of before it gives; asyncpg has forgotten it now.
                raise UnavailableError(
                    "the schema has just changed", reason="DATABASE_UNAVAILABLE", retry_after=_SOON
                ) from error
            except asyncpg.QueryCanceledError as error:
                raise DeadlineExceededError("the database took too long") from error
            except (asyncpg.PostgresConnectionError, *_AWAY) as error:
                raise _away() from error

    @asynccontextmanager
    async def _acquired(self) -> AsyncIterator[Tx]:
        try:
            connection = await self._pool.acquire(timeout=self._config.acquire_seconds)
        except TimeoutError as error:
            raise UnavailableError(
                "every database connection is busy", reason="DATABASE_BUSY", retry_after=_SOON
            ) from error
        except _AWAY as error:
            raise _away() from error
        try:
            yield connection
        finally:
            # A connection that cannot be given back is given up; what was done on it stands.
            with suppress(asyncpg.PostgresError, *_AWAY):
                await asyncio.shield(self._pool.release(connection))

    @asynccontextmanager
    async def listening(
        self, channel: str, notify: Callable[[str], None], *, connected: Callable[[], None]
    ) -> AsyncIterator[None]:
        """Call ``notify`` with the payload of each NOTIFY on ``channel``.

        ``connected`` is called whenever listening begins, also again: what was sent before is not known.
        """
        task = asyncio.create_task(self._listen(channel, notify, connected), name=f"listen {channel}")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _listen(self, channel: str, notify: Callable[[str], None], connected: Callable[[], None]) -> None:
        while True:
            try:
                async with self._acquired() as connection:
                    await _hold(connection, channel, notify, connected)
            except (UnavailableError, TimeoutError, *_AWAY):
                await asyncio.sleep(_RELISTEN_SECONDS)


async def _hold(connection: Tx, channel: str, notify: Callable[[str], None], connected: Callable[[], None]) -> None:
    def heard(*said: object) -> None:
        notify(str(said[-1]))

    await connection.add_listener(channel, heard)
    try:
        connected()
        while True:  # a connection that died without a word is found by asking
            await asyncio.sleep(_HEARTBEAT_SECONDS)
            await connection.execute("SELECT 1", timeout=_HEARTBEAT_SECONDS)
    finally:
        if not connection.is_closed():
            await connection.remove_listener(channel, heard)


async def enter_tenant(tx: Tx, tenant: TenantId | str) -> None:
    """Make the rest of a transaction one tenant's: for consumers, which learn the tenant from the event."""
    await tx.execute(_SET_TENANT, str(tenant))


def _away() -> UnavailableError:
    return UnavailableError("the database is away", reason="DATABASE_UNAVAILABLE", retry_after=_SOON)


@asynccontextmanager
async def open_database(config: DatabaseConfig, *, application: str) -> AsyncIterator[Database]:
    """Open the pool; sizes and time limits are the configuration's."""
    pool = await asyncpg.create_pool(
        config.url.reveal(),
        min_size=config.pool_min,
        max_size=config.pool_max,
        max_inactive_connection_lifetime=300,
        timeout=config.acquire_seconds,
        command_timeout=config.statement_seconds + 1,
        server_settings={
            "application_name": application,
            "statement_timeout": _ms(config.statement_seconds),
            "lock_timeout": _ms(config.lock_seconds),
            "idle_in_transaction_session_timeout": _ms(config.idle_in_transaction_seconds),
        },
    )
    try:
        yield Database(pool, config)
    finally:
        try:
            await asyncio.wait_for(pool.close(), 5)
        except TimeoutError:
            pool.terminate()


def _ms(seconds: float) -> str:
    return str(round(seconds * 1000))
