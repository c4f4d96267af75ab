"""Owns what a streaming call says when the channel under it was replaced. Knows no message.

gRPC cancels the calls of a channel that is closed, and cancels whoever reads one of them with it: a background task
that follows a stream would end without a word when the certificate has been renewed.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from mesh.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator


class Stream:
    """A streaming call of gRPC; reading and writing raise ``UnavailableError`` when its channel was replaced."""

    __slots__ = ("_call",)

    def __init__(self, call: Any) -> None:
        self._call = call

    def __getattr__(self, name: str) -> Any:
        return getattr(self._call, name)

    async def read(self) -> Any:
        """Return the next message, or ``grpc.aio.EOF``."""
        try:
            return await self._call.read()
        except asyncio.CancelledError:
            _say_if_replaced()
            raise

    async def write(self, request: Any) -> None:
        """Send a message."""
        try:
            await self._call.write(request)
        except asyncio.CancelledError:
            _say_if_replaced()
            raise

    async def __aiter__(self) -> AsyncIterator[Any]:
        try:
            async for message in self._call:
                yield message
        except asyncio.CancelledError:
            _say_if_replaced()
            raise

    def __await__(self) -> Generator[Any, None, Any]:
        return self._answer().__await__()

    async def _answer(self) -> Any:
        try:
            return await self._call
        except asyncio.CancelledError:
            _say_if_replaced()
            raise


def _say_if_replaced() -> None:
    """Raise, unless it is this task that is being cancelled."""
    task = asyncio.current_task()
    if task is not None and not task.cancelling():
        raise UnavailableError("the channel of this stream was replaced", reason="UPSTREAM_UNAVAILABLE") from None
