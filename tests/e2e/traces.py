"""Everything that a running stack keeps or shows, as bytes by place: logs, tables, Redis, metrics."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import asyncpg
import httpx
from redis.asyncio import Redis

from devstack.dev import dump as developer

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


def dump(stack: Stack) -> dict[str, bytes]:
    """Dump the database as a backup would."""
    return {"dump:": developer.database(stack.running).encode()}


def files(stack: Stack) -> dict[str, bytes]:
    """Read every file of the state folder: configuration, objects, and the database's own with its log of changes."""
    left = {}
    for path in stack.home.path.rglob("*"):
        with suppress(FileNotFoundError):
            if path.is_file():
                left[f"file:{path.relative_to(stack.home.path)}"] = path.read_bytes()
    return left


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
            left[f"redis:{key!r}"] = key + b"\n" + await _value(redis, key)
    return left


async def _value(redis: Redis, key: bytes) -> bytes:  # noqa: PLR0911 - one for each kind
    """Return what a key holds. Not by DUMP, which compresses what repeats itself."""
    match await redis.type(key):
        case b"string":
            return _flat(await redis.get(key))
        case b"hash":
            return _flat(await redis.hgetall(key))
        case b"list":
            return _flat(await redis.lrange(key, 0, -1))
        case b"set":
            return _flat(await redis.smembers(key))
        case b"zset":
            return _flat(await redis.zrange(key, 0, -1, withscores=True))
        case b"stream":
            return _flat(await redis.xrange(key))
        case b"none":  # it expired between the two questions
            return b""
        case kind:
            raise AssertionError(kind)


def _flat(value: Any) -> bytes:
    match value:
        case bytes():
            return value
        case dict():
            return b" ".join(_flat(each) for pair in value.items() for each in pair)
        case list() | tuple() | set():
            return b" ".join(map(_flat, value))
        case _:
            return str(value).encode()


async def _metrics(stack: Stack) -> dict[str, bytes]:
    left = {}
    async with httpx.AsyncClient(trust_env=False) as client:
        for name, component in stack.running.data["components"].items():
            if address := component["addresses"].get("metrics"):
                left[f"metrics:{name}"] = (await client.get(f"http://{address}/metrics")).content
            if address := component["addresses"].get("admin"):
                left[f"metrics:{name}"] = (await client.get(f"{address}/stats")).content
    return left
