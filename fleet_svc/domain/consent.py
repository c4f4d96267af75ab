"""Owns what a Hub's owner allows, and what was turned off since; knows no caller and no database.

There is no way here to turn anything on but a newer record that the Hub signed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from fleet_svc.domain import sequenced
from fleet_svc.domain.capability import Capability
from fleet_svc.domain.signing import CONSENT_CONTEXT, Evidence
from mesh.ids import HubId

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from fleet_svc.domain.owner_key import OwnerKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """One consent record, and what the cloud itself turned off after it was signed."""

    hub_id: HubId
    owner_epoch: int
    sequence: int
    signed: frozenset[Capability]
    lowered: frozenset[Capability] = frozenset()
    evidence: Evidence
    take_time: datetime

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What is on now."""
        return self.signed - self.lowered

    def lower(self, capabilities: AbstractSet[Capability], *, now: datetime, before_owner_epoch: int = 0) -> Consent:
        """Return the consent with ``capabilities`` off, or everything if none is named; itself if they were off.

        What is lowered stays so until a newer record. What a new owner said is not the old one's to lower: with
        ``before_owner_epoch``, a consent of that epoch or a later one stays as it is.
        """
        if before_owner_epoch and self.owner_epoch >= before_owner_epoch:
            return self
        lowered = self.lowered | (self.signed & capabilities if capabilities else self.signed)
        return self if lowered == self.lowered else replace(self, lowered=lowered, take_time=now)


def succeed(held: Consent | None, offered: Consent, *, owner: OwnerKey | None) -> Consent:
    """Return the consent that holds after ``offered``: itself if it is newer, ``held`` if it is the same record."""
    return sequenced.succeed(held, offered, owner=owner, context=CONSENT_CONTEXT)
