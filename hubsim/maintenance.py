"""Owns what a Hub does for itself over HTTPS while it is on the line: its next certificate, and its firmware.

It asks for updates only while its owner has OTA_POLL on. A certificate is renewed whatever the owner allows, because
without one the owner could not turn anything on again.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import httpx

from hubsim.flash import FileFlash
from hubsim.handover import HubHandover
from hubsim.link import client_tls
from hubsim.renewal import Renewal
from hubsim.slots import Slots
from hubsim.store import load
from hubsim.update_client import CloudAwayError, Device, UpdateClient, UpdateRefusedError
from hubsim.updater import Home, Updater
from hubsim.wire import Capability

if TYPE_CHECKING:
    from hubsim.hub import Hub

MODEL: Final = "simulated"
_FACTORY_SEQUENCE: Final = 1
_AGAIN_S: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Upkeep:
    """Where one Hub looks after itself."""

    folder: Path
    hub_listener: str
    """The base URL of the gateway's Hub listener."""
    ca_file: Path
    firmware_root: Path | None = None
    """The TUF root that the factory put in. None: it is never updated."""


class Maintenance:
    """One Hub's care of itself."""

    def __init__(self, hub: Hub, upkeep: Upkeep, *, home: Home | None = None) -> None:
        self._hub, self._upkeep = hub, upkeep
        handover = HubHandover(upkeep.folder, b"")
        home = home or Home(lock_epoch=lambda: handover.lock.lock_epoch)
        self._renewal = Renewal(upkeep.folder)
        self._flash = FileFlash(upkeep.folder / "flash")
        if not self._flash.read("confirmed"):
            Slots(self._flash).manufacture(_FACTORY_SEQUENCE, b"factory firmware", "1.0.0")
        self._updater = self._started(upkeep.firmware_root, home) if upkeep.firmware_root else None

    async def run(self) -> None:
        """Look after it, for ever."""
        while True:
            await self._rest(await self.turn())

    async def _rest(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def turn(self) -> float:
        """Do what is due; return in how many seconds to look again."""
        folder = self._upkeep.folder
        context = client_tls(self._upkeep.ca_file, folder / "tls.crt", folder / "tls.key")
        async with httpx.AsyncClient(base_url=self._upkeep.hub_listener, verify=context, trust_env=False) as http:
            if self._renewal.due() and await self._renew(http):
                return 0.0
            if self._updater is None or Capability.OTA_POLL not in load(folder).capabilities:
                return _AGAIN_S
            return min(await self._update(self._updater, http), _AGAIN_S)

    async def _renew(self, http: httpx.AsyncClient) -> bool:
        try:
            await self._renewal.renew(http, self._hub.name)
        except (CloudAwayError, UpdateRefusedError) as error:
            self._hub.tell("not_renewed", error=str(error))
            return False
        self._hub.reload()
        self._hub.tell("renewed")
        return True

    async def _update(self, updater: Updater, http: httpx.AsyncClient) -> float:
        before = updater.booted
        updater.client.http = http
        pause = await updater.turn()
        now = updater.booted
        if now != before:
            self._hub.tell("booted", slot=now.slot, firmware_sequence=now.firmware_sequence, trial=now.trial)
        return pause

    def _started(self, root: Path, home: Home) -> Updater:
        device = Device(hub=self._hub.name, hardware_model=MODEL, hardware_revision=0)
        return Updater(
            UpdateClient(httpx.AsyncClient(), device),
            self._flash,
            trust_folder=self._upkeep.folder / "tuf",
            root=root.read_bytes(),
            home=home,
        )
