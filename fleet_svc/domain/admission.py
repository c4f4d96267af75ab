"""Owns what the other services may know of a Hub before they serve it; knows no registry row and no record."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from fleet_svc.domain.capability import Capability
from fleet_svc.domain.hub import State
from fleet_svc.domain.peer_list import Peer
from mesh.ids import HubId


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """Whether a Hub is served, with what, and for whom, at one version."""

    hub_id: HubId
    version: int
    active: bool
    capabilities: frozenset[Capability]
    peers: tuple[Peer, ...]
    certificates_not_before: datetime | None
    revoked_serials: tuple[bytes, ...]
    # Whether the Hub's project is being handed over, and the newest lock epoch that was heard of; 0: none.
    project_locked: bool = False
    lock_epoch: int = 0
    # The owner key that holds, and its epoch; 0 and nothing: there is none.
    owner_epoch: int = 0
    owner_public_key: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is stored that bears on admission."""

    hub_id: HubId
    version: int
    state: State
    capabilities: frozenset[Capability]
    peers: tuple[Peer, ...]
    certificates_not_before: datetime | None
    revoked_serials: tuple[bytes, ...] = ()
    project_locked: bool = False
    lock_epoch: int = 0
    owner_epoch: int = 0
    owner_public_key: bytes = b""


def decide(facts: Facts) -> Admission:
    """Return the admission; a Hub that is not ACTIVE has no capability and no peer, whatever its records say."""
    active = facts.state is State.ACTIVE
    return Admission(
        hub_id=facts.hub_id,
        version=facts.version,
        active=active,
        capabilities=facts.capabilities if active else frozenset(),
        peers=facts.peers if active else (),
        certificates_not_before=facts.certificates_not_before,
        revoked_serials=facts.revoked_serials,
        project_locked=facts.project_locked,
        lock_epoch=facts.lock_epoch,
        owner_epoch=facts.owner_epoch,
        owner_public_key=facts.owner_public_key,
    )
