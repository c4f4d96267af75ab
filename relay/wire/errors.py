"""Owns the one way in which bytes are refused. Knows no session: what a refusal does to it is decided elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from relay.wire.codes import ReasonCode


class WireError(Exception):
    """The peer sent what MQTT forbids: the reason code to close with, and the clause that says so."""

    def __init__(self, code: ReasonCode, clause: str, detail: str) -> None:
        super().__init__(f"{detail} [{clause}]")
        self.code = code
        self.clause = clause
        self.detail = detail
