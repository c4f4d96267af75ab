"""Owns who may exchange envelopes with a Hub, as the Hub itself says; knows no person and no database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from fleet_svc.domain import sequenced
from fleet_svc.domain.signing import PEER_LIST_CONTEXT, Evidence
from mesh.ids import HubId

if TYPE_CHECKING:
    from fleet_svc.domain.owner_key import OwnerKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """One app session, and a digest that ties it to a person without naming them."""

    peer_id: bytes
    subject_digest: bytes
    # Seconds since 1970; 0: until the list changes.
    not_after_seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerList:
    """The whole list, with the record that gave it."""

    hub_id: HubId
    owner_epoch: int
    sequence: int
    peers: tuple[Peer, ...]
    evidence: Evidence
    take_time: datetime


def succeed(held: PeerList | None, offered: PeerList, *, owner: OwnerKey | None) -> PeerList:
    """Return the list that holds after ``offered``: itself if it is newer, ``held`` if it is the same record."""
    return sequenced.succeed(held, offered, owner=owner, context=PEER_LIST_CONTEXT)
