"""Owns the shape of a stage; knows none of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from mesh.call import Call
    from mesh.policy import Method


class Stage:
    """One stage. A refusal is an ``OraError``; what is not overridden is not called."""

    def applies(self, method: Method) -> bool:  # noqa: ARG002 - by default every method
        """Say whether calls of this method pass the stage."""
        return True

    async def admit(self, call: Call) -> None:
        """Look at the call before any message is."""

    def message(self, call: Call, message: Message) -> None:
        """Look at each request message."""

    def answered(self, call: Call) -> None:
        """Look at a call whose handler succeeded, before the answer leaves."""
