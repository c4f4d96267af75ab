"""Owns what the relay may do for a Hub, as the fleet service last said, and the decisions that follow. Asks nobody."""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final, Protocol

from relay.routing.reasons import Close, Refusal
from relay.routing.route_header import INSTALLER_CONFIG

if TYPE_CHECKING:
    from collections.abc import Iterable

    from relay.routing.certificate import Certificate

# How long an answer counts after the fleet service was last heard of.
STALE_SECONDS: Final = 60.0
_CACHE_ENTRIES: Final = 100_000
# One entry: 16 bytes of peer id, 32 of digest, 8 of an instant.
_PEER_ID: Final = 16
_NOT_AFTER: Final = 8
_PEER: Final = _PEER_ID + 32 + _NOT_AFTER


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """One app session that the Hub lists."""

    subject_digest: bytes
    # Seconds since 1970; 0: until the list changes.
    not_after: int = 0


class Peers(Protocol):
    """The app sessions of one Hub."""

    def get(self, peer_id: bytes, /) -> Peer | None:
        """Return one of them, if it is listed."""


class PackedPeers:
    """A short list in one row of bytes: as a dictionary of objects it would be most of what an idle Hub costs."""

    __slots__ = ("_row",)

    def __init__(self, peers: Iterable[tuple[bytes, bytes, int]]) -> None:
        self._row = b"".join(
            peer_id + digest + not_after.to_bytes(_NOT_AFTER, "big") for peer_id, digest, not_after in peers
        )

    def get(self, peer_id: bytes, /) -> Peer | None:
        """Return one of them, if it is listed."""
        row = self._row
        at = row.find(peer_id)
        while at > 0 and at % _PEER:
            # Bytes that look like it, inside of another entry.
            at = row.find(peer_id, at + 1)
        if at < 0 or len(peer_id) != _PEER_ID:
            return None
        end = at + _PEER
        digest = row[at + _PEER_ID : end - _NOT_AFTER]
        return Peer(subject_digest=digest, not_after=int.from_bytes(row[end - _NOT_AFTER : end], "big"))


_NO_PEERS: Final = PackedPeers(())


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """One Hub's admission; `ora.fleet.v1.Admission` without what the relay has no use for."""

    hub_id: bytes
    version: int
    active: bool
    relay: bool
    peers: Peers = _NO_PEERS
    certificates_not_before: datetime | None = None
    revoked_serials: frozenset[bytes] = frozenset()
    project_locked: bool = False

    def refuse_session(self, certificate: Certificate, now: datetime) -> Close | None:
        """Return why a connection with this certificate may not be, or None when it may."""
        if certificate.serial in self.revoked_serials:
            return Close.CERTIFICATE_REVOKED
        if self.certificates_not_before is not None and certificate.not_before < self.certificates_not_before:
            return Close.CERTIFICATE_REVOKED
        if certificate.not_after <= now:
            return Close.CERTIFICATE_EXPIRED
        if not self.active:
            return Close.HUB_NOT_ACTIVE
        return None if self.relay else Close.CONSENT_OFF

    def refuse_peer(self, peer_id: bytes, now: float) -> Refusal | None:
        """Return why an envelope between the Hub and this app session may not pass, or None."""
        if not self.active:
            return Refusal.HUB_NOT_ACTIVE
        if not self.relay:
            return Refusal.CONSENT_OFF
        peer = self.peers.get(peer_id)
        if peer is None or (peer.not_after and peer.not_after <= now):
            return Refusal.PEER_UNKNOWN
        return None

    def peer_until(self, peer_id: bytes) -> float:
        """Return until when ``refuse_peer`` says the same of an app session that it lets pass now."""
        peer = self.peers.get(peer_id)
        return float(peer.not_after) if peer is not None and peer.not_after else math.inf

    def refuse_subject(self, peer_id: bytes, digest: bytes, now: float) -> Refusal | None:
        """Return why this person may not act as this app session, or None."""
        peer = self.peers.get(peer_id)
        if peer is None or peer.subject_digest != digest:
            # First of all, so that a stranger learns nothing of the Hub.
            return Refusal.PEER_UNKNOWN
        return self.refuse_peer(peer_id, now)

    def refuse_class(self, envelope_class: int) -> Refusal | None:
        """Return why an envelope of this class may not pass, or None."""
        if self.project_locked and envelope_class == INSTALLER_CONFIG:
            return Refusal.PROJECT_LOCKED
        return None


class AdmissionCache:
    """What was last heard, and for how long it still counts."""

    __slots__ = ("_entries", "_heard", "live")

    def __init__(self) -> None:
        self._entries: OrderedDict[bytes, tuple[Admission, float]] = OrderedDict()
        self._heard = float("-inf")
        # Whether the watch is connected: then changes come by themselves.
        self.live = False

    def heard(self, now: float) -> None:
        """Note that the fleet service spoke."""
        self._heard = now
        self.live = True

    def lost(self) -> None:
        """Note that the watch is gone."""
        self.live = False

    def forget(self) -> None:
        """Drop everything: changes may have been missed."""
        self._entries.clear()

    def put(self, admission: Admission, now: float) -> bool:
        """Keep an answer unless a newer one is here; return whether it was kept."""
        known = self._entries.get(admission.hub_id)
        if known is not None and known[0].version > admission.version:
            return False
        self._entries[admission.hub_id] = (admission, now)
        self._entries.move_to_end(admission.hub_id)
        while len(self._entries) > _CACHE_ENTRIES:
            self._entries.popitem(last=False)
        return True

    def drop(self, hub_id: bytes) -> None:
        """Forget one Hub."""
        self._entries.pop(hub_id, None)

    def get(self, hub_id: bytes, now: float) -> Admission | None:
        """Return what counts for a Hub now: changes are watched, or it was heard less than 60 seconds ago."""
        known = self._entries.get(hub_id)
        if known is None or now - max(self._heard, known[1]) > STALE_SECONDS:
            return None
        return known[0]

    def ageing(self, now: float) -> bool:
        """Return whether the watch has been silent for so long that only answers given since then count."""
        return now - self._heard > STALE_SECONDS
