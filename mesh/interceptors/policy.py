"""Owns the place of the policy in the chain: first the workload, then the subject. The verdict is ``mesh.policy``'s."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ora.options.v1 import options_pb2 as options

from mesh.call import NOBODY, Call
from mesh.errors import UnauthenticatedError
from mesh.interceptors.stage import Stage
from mesh.policy import check_caller, check_subject

if TYPE_CHECKING:
    from mesh.clock import Now


class CallerStage(Stage):
    """Refuses a workload that the contract does not name, before any credential is looked at."""

    async def admit(self, call: Call) -> None:
        """Check the peer."""
        if call.peer is None:
            raise UnauthenticatedError("nobody is at the other end", reason="PEER_UNKNOWN")
        check_caller(call.method, call.peer)
        if call.method.policy.subject == options.SUBJECT_ANONYMOUS:
            call.subject = NOBODY


class PolicyStage(Stage):
    """Refuses a subject that the contract does not admit: kind, role, scope, step-up."""

    def __init__(self, now: Now) -> None:
        self._now = now

    async def admit(self, call: Call) -> None:
        """Check the subject."""
        check_subject(call.method, call.subject, self._now())
