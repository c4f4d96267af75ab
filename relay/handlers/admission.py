"""Owns what follows when the fleet service has answered, or has not. Knows no call to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.handlers import connect

if TYPE_CHECKING:
    from relay.routing.admission import Admission
    from relay.routing.node import Node
    from relay.routing.reasons import Close


def answered(node: Node, admission: Admission) -> None:
    """Take an admission: it counts for the live session, and for connections that have waited for it."""
    node.admission_changed(admission)
    current = node.admissions.get(admission.hub_id, node.now) or admission
    for client in node.waiting.pop(admission.hub_id, ()):
        connect.admitted(node, client, current)


def unanswered(node: Node, hub_id: bytes, close: Close) -> None:
    """End the connections that have waited in vain."""
    for client in node.waiting.pop(hub_id, ()):
        connect.not_admitted(node, client, close)
