"""Owns how one command talks to a running stack: one JSON line each way, on the port that marks its block.

The token is in the state file, which its owner alone can read; without it nothing is answered.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import socket
from typing import TYPE_CHECKING, Any, Final

from devstack.ports import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

_LONGEST: Final = 4096
_PATIENCE: Final = 2.0

Order = dict[str, str]


class RefusedError(Exception):
    """The stack answers that it cannot."""


class NotRunningError(Exception):
    """There is no stack to talk to."""


class Control:
    """Takes orders."""

    def __init__(self, token: str, orders: Mapping[str, Callable[[str], Awaitable[None]]]) -> None:
        self._token, self._orders = token, orders

    async def serve(self, held: socket.socket) -> asyncio.Server:
        """Take orders on a socket that listens already."""
        return await asyncio.start_server(self._answer, sock=held, limit=_LONGEST)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_PATIENCE):
                asked = json.loads(await reader.readline())
            if not hmac.compare_digest(str(asked["token"]).encode(), self._token.encode()):
                return
            answer = await self._do(str(asked["do"]), str(asked.get("name", "")))
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()
        except (ValueError, KeyError, TypeError, OSError, TimeoutError):
            return
        finally:
            writer.close()

    async def _do(self, order: str, name: str) -> dict[str, Any]:
        try:
            await self._orders[order](name)
        except Exception as error:  # noqa: BLE001 - the person at the other end is the one to read it
            return {"error": str(error) or type(error).__name__}
        return {"ok": True}


def ask(port: int, token: str, order: str, name: str = "", *, seconds: float = 60.0) -> None:
    """Give one order and wait until it is done.

    Raises:
        NotRunningError: nobody listens there.
        RefusedError: the stack says why.
    """
    try:
        with socket.create_connection((LOOPBACK, port), timeout=seconds) as link:
            link.sendall(json.dumps({"token": token, "do": order, "name": name}).encode() + b"\n")
            answer = json.loads(link.makefile("r", encoding="utf-8").readline() or "null")
    except TimeoutError as error:
        raise RefusedError(f"no answer to `{order}` within {seconds:.0f} s") from error
    except (OSError, ValueError) as error:
        raise NotRunningError(str(error)) from error
    if answer is None:
        raise NotRunningError("the port is another program's")
    if "error" in answer:
        raise RefusedError(answer["error"])
