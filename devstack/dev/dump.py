"""Owns reading everything that the cloud keeps: the whole database as SQL, and every key of Redis."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any, Final

from redis import Redis

from devstack import postgres

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from devstack.state import Running


_READ: Final[dict[str, Callable[[Redis, str], Any]]] = {
    "string": lambda client, key: client.get(key),
    "hash": lambda client, key: client.hgetall(key),
    "list": lambda client, key: client.lrange(key, 0, -1),
    "set": lambda client, key: sorted(client.smembers(key)),
    "zset": lambda client, key: client.zrange(key, 0, -1, withscores=True),
    "stream": lambda client, key: client.xrange(key),
    "none": lambda _client, _key: None,  # it expired between the two questions
}


class DumpError(Exception):
    """The database could not be read."""


def database(stack: Running) -> str:
    """Return the database as SQL."""
    command = [str(postgres.binaries() / "pg_dump"), "--dbname", stack.data["databases"]["admin"], "--no-owner"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise DumpError(done.stderr.strip())
    return done.stdout


def redis(stack: Running) -> Iterator[str]:
    """Return a line of JSON for each key of Redis, with what it holds; bytes that are no text are escaped."""
    with Redis.from_url(stack.data["redis"], decode_responses=True, encoding_errors="backslashreplace") as client:
        for key in sorted(client.scan_iter()):
            kind = str(client.type(key))
            yield json.dumps({"key": key, "type": kind, "ttl_ms": client.pttl(key), "value": _READ[kind](client, key)})
