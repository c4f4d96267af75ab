"""A registry of Hubs that a test can see into, stop, and have an update under way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mesh.errors import AbortedError, StateConflictError, UnavailableError

if TYPE_CHECKING:
    from mesh.ids import HubId
    from portal_svc.ports import RegisteredHub


class FakeRegistry:
    """Holds as the contract says: at most one a Hub, its epoch never falls."""

    def __init__(self) -> None:
        self.hubs: dict[HubId, RegisteredHub] = {}
        self.holds: dict[HubId, int] = {}
        self.epochs: dict[HubId, int] = {}
        self.updating: set[HubId] = set()
        # The Hubs, and the owner epoch before which consent was lowered.
        self.lowered: list[tuple[HubId, int]] = []
        self.away = False

    async def hub(self, hub_id: HubId) -> RegisteredHub | None:
        """Return a Hub."""
        self._answer()
        return self.hubs.get(hub_id)

    async def update_in_flight(self, hub_id: HubId) -> bool:
        """Say whether an update is under way."""
        self._answer()
        return hub_id in self.updating

    async def place_hold(self, hub_id: HubId, lock_epoch: int) -> None:
        """Hold updates."""
        self._answer()
        if hub_id in self.updating:
            raise StateConflictError("an update is under way", reason="UPDATE_IN_FLIGHT")
        if lock_epoch < self.epochs.get(hub_id, 0):
            raise AbortedError("a later lock is known", reason="LOCK_EPOCH_MISMATCH")
        self.holds[hub_id] = self.epochs[hub_id] = lock_epoch

    async def release_hold(self, hub_id: HubId, lock_epoch: int) -> None:
        """Let updates go on, if the hold is of this epoch."""
        self._answer()
        if self.holds.get(hub_id) == lock_epoch:
            del self.holds[hub_id]

    async def lower_consent(self, hub_id: HubId, *, before_owner_epoch: int) -> None:
        """Turn everything off that an owner before this epoch consented to."""
        self._answer()
        self.lowered.append((hub_id, before_owner_epoch))

    def _answer(self) -> None:
        if self.away:
            raise UnavailableError("the registry is away", reason="REGISTRY_UNAVAILABLE")
