"""Everything that a running stack keeps or shows, as bytes by place: logs, tables, Redis, metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

import asyncpg
import httpx
from redis.asyncio import Redis

if TYPE_CHECKING:
    from tests.stack import Stack

_TABLES = """
SELECT format('%I.%I', schemaname, tablename)
  FROM pg_tables
 WHERE schemaname NOT IN ('pg_catalog', 'information_schema')
"""


async def everything(stack: Stack) -> dict[str, bytes]:
    """Read it all."""
    logs = {f"log:{path.name}": path.read_bytes() for path in stack.home.logs.iterdir()}
    return {**logs, **await _database(stack), **await _redis(stack), **await _metrics(stack)}


async def _database(stack: Stack) -> dict[str, bytes]:
    connection = await asyncpg.connect(stack.running.data["databases"]["admin"])
    try:
        tables = [row[0] for row in await connection.fetch(_TABLES)]
        left = {}
        for table in tables:
            rows = await connection.fetch(f"SELECT each::text FROM {table} AS each")  # noqa: S608 - named by the catalogue
            left[f"database:{table}"] = "\n".join(row[0] for row in rows).encode()
        return left
    finally:
        await connection.close()


async def _redis(stack: Stack) -> dict[str, bytes]:
    left = {"redis:": b""}
    async with Redis.from_url(stack.running.data["redis"]) as redis:
        async for key in redis.scan_iter():
            dumped: bytes | None = await redis.dump(key)
            left[f"redis:{key!r}"] = key + (dumped or b"")
    return left


async def _metrics(stack: Stack) -> dict[str, bytes]:
    left = {}
    async with httpx.AsyncClient(trust_env=False) as client:
        for name, component in stack.running.data["components"].items():
            if address := component["addresses"].get("metrics"):
                left[f"metrics:{name}"] = (await client.get(f"http://{address}/metrics")).content
            if address := component["addresses"].get("admin"):
                left[f"metrics:{name}"] = (await client.get(f"{address}/stats")).content
    return left
