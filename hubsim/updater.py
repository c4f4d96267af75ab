"""Owns a Hub's way through an update: ask, believe, download, ask for leave, install, try, keep or go back.

What it has to remember is in the flash, one cell at a time, so that the power may go between any two writes. What the
cloud says is believed only as far as the offline keys go along with it.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from hubsim.firmware_wire import HubStatements, read_record_json
from hubsim.image_store import PIECE, ImageStore
from hubsim.slots import Firmware, Flash, Slots
from hubsim.update_client import CloudAwayError, UpdateClient, UpdateRefusedError
from sdk.firmware_trust import Fetch, FirmwareRefusedError, FirmwareTrust, Offer, Record, Running, Wish, check_image
from sdk.ids import hub_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from hubsim.slots import Booted

_SOON_S, _AWAY_S = 1.0, 60.0
_OLDER: Final = frozenset({"METADATA_ROLLED_BACK", "DIRECTOR_ROLLED_BACK", "SEQUENCE_ROLLED_BACK"})
# What may be right the next time: a file that was published in between, a statement that crossed another.
_PASSING: Final = frozenset({"METADATA_MISSING", "TARGETS_OLD", "OFFER_EXPIRED", "METADATA_EXPIRED"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """What the rest of the Hub says when it is asked."""

    lock_epoch: Callable[[], int] = lambda: 0
    """The newest lock notice that it took; 0: none."""
    wait: Callable[[], str | None] = lambda: None
    """HUB_BUSY, USER_DEFERRED or QUIET_HOURS."""
    healthy: Callable[[], bool] = lambda: True
    """Whether the firmware on trial does its work."""


class Updater:
    """One Hub and its firmware. Made at each start of the Hub: its making is the boot."""

    def __init__(
        self,
        client: UpdateClient,
        flash: Flash,
        *,
        trust_folder: Path,
        root: bytes,
        home: Home | None = None,
        piece: int = PIECE,
        now: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.client, self._flash, self.home = client, flash, home or Home()
        self.images = ImageStore(flash, piece)
        self._trust_folder, self._root = trust_folder, root
        self._now, self._monotonic = now, monotonic
        self._slots = Slots(flash)
        self.booted: Booted = self._slots.boot()

    async def turn(self) -> float:
        """Do all that can be done now; return in how many seconds to come again."""
        try:
            if self.booted.trial:
                await self._judge_trial()
            await self._tell_end()
            return await self._check()
        except CloudAwayError:
            return _AWAY_S
        except UpdateRefusedError:
            # It was killed, withdrawn or held meanwhile: the next check tells.
            return _SOON_S

    async def _judge_trial(self) -> None:
        """Keep what is on trial, or go back. The cloud hears of it and has no say."""
        with suppress(CloudAwayError, UpdateRefusedError):
            await self._ask()
        if self.home.healthy():
            self._slots.confirm(self.booted.slot)
            self.booted = self._slots.running(self.booted)
        else:
            self._flash.write("ended", b"HEALTH_CHECK")
            self.booted = self._slots.boot()

    async def _tell_end(self) -> None:
        failure = self._flash.read("ended").decode()
        if failure:
            await self.client.report(self._flash.read("update").decode(), "ROLLED_BACK", self.booted, failure=failure)
            self._flash.write("ended", b"")

    async def _check(self) -> float:
        answer = await self._ask()
        after = float(answer.get("nextCheckSeconds", 0)) or _AWAY_S
        if "directorStatement" not in answer:
            return after
        update = str(answer["update"]["name"])
        if update != self._flash.read("update").decode():
            self._flash.write("update", update.encode())
        try:
            offer = await self.believe(read_record_json(answer["directorStatement"]), self._from_the_cloud())
            await self._download(update, offer)
        except FirmwareRefusedError as error:
            if error.reason not in _PASSING:
                await self.client.report(update, "FAILED", self.booted, failure=_failure(error.reason))
            return after
        # The Hub's own reason to wait is its own to keep, whatever leave it would get.
        return after if self.home.wait() else await self._install(update, offer) or after

    async def _ask(self) -> dict[str, Any]:
        taken = int.from_bytes(self._flash.read("director"), "big")
        return await self.client.check(self.booted, director_sequence=taken, hold_reason=self.home.wait())

    async def believe(self, record: Record, fetch: Fetch) -> Offer:
        """Return what the director offers, if the offline keys go along; it cannot be played again.

        Raises:
            FirmwareRefusedError: it is not for this Hub now.
        """
        check = self.trust(fetch).check
        offer = await asyncio.to_thread(check, record, self.running(), now_seconds=int(self._now()))
        self._flash.write("director", offer.sequence.to_bytes(8, "big"))
        return offer

    def trust(self, fetch: Fetch) -> FirmwareTrust:
        """Return what this Hub believes, with files from ``fetch``."""
        return FirmwareTrust(self._trust_folder, self._root, fetch, HubStatements())

    def _from_the_cloud(self) -> Fetch:
        loop = asyncio.get_running_loop()
        return lambda file: asyncio.run_coroutine_threadsafe(self.client.metadata(file), loop).result()

    def running(self) -> Running:
        """Return what this Hub is and runs."""
        device = self.client.device
        return Running(
            hub_id=hub_bytes(device.hub),
            hardware_model=device.hardware_model,
            hardware_revision=device.hardware_revision,
            firmware_sequence=self.booted.firmware_sequence,
            director_sequence=int.from_bytes(self._flash.read("director"), "big"),
        )

    async def _download(self, update: str, offer: Offer) -> None:
        """Bring the image into the flash, from where an earlier attempt stopped."""
        length = offer.artefact_length_bytes
        have, wait = self.images.start(offer.artefact_digest), self.home.wait()
        if have < length:
            await self.client.report(update, "DOWNLOADING", self.booted, percent=100 * have // length, wait=wait)
            await self.images.go_on(have, self.client.image(offer.artefact_digest, have), length=length)
        try:
            for _ in check_image(offer, self.images.pieces()):
                pass
        except FirmwareRefusedError:
            self.images.forget()
            raise
        await self.client.report(update, "DOWNLOADED", self.booted, percent=100, wait=wait)

    async def _install(self, update: str, offer: Offer) -> float | None:
        """Install if there is leave; return when to ask again, None once it is installed and the Hub started anew."""
        nonce, asked = secrets.token_bytes(16), self._monotonic()
        answer = await self.client.request_permit(update, self.booted, nonce=nonce, lock_epoch=self.home.lock_epoch())
        if "permit" not in answer:
            return float(answer.get("retryAfterSeconds", 0)) or _AWAY_S
        record = read_record_json(answer["permit"])
        try:
            permit = self.trust(lambda _: None).check_permit(record, offer, self._wish(nonce, asked))
        except FirmwareRefusedError:
            return _SOON_S
        await self.client.begin(update, permit.permit_id)
        self.write_and_restart(offer)
        return _SOON_S

    def _wish(self, nonce: bytes, asked: float) -> Wish:
        age = self._monotonic() - asked
        return Wish(hub_nonce=nonce, lock_epoch=self.home.lock_epoch(), age_seconds=age)

    def write_and_restart(self, offer: Offer) -> None:
        """Fill the slot that does not run, and start anew."""
        firmware = Firmware(
            sequence=offer.firmware_sequence, version=offer.firmware_version, digest=offer.artefact_digest
        )
        self._slots.install(firmware, self.images.pieces())
        self.booted = self._slots.boot()


def _failure(reason: str) -> str:
    if reason in _OLDER:
        return "ROLLBACK_REFUSED"
    return "INCOMPATIBLE" if reason == "OTHER_HARDWARE" else "VERIFICATION"
