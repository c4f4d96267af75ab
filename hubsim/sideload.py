"""Owns an update that an app brings to a Hub whose cloud is off: the Hub's wish, and the taking of the file.

The file is believed like what comes over the air, no more: same keys, same order of questions, same slots.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from typing import TYPE_CHECKING, BinaryIO

from hubsim.firmware_wire import read_sideload_head, record_of, write_sideload_request
from hubsim.wire import write_record
from sdk import sideload
from sdk.firmware_trust import FirmwareRefusedError, Wish, check_image
from sdk.statements import Context, sign_statement

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from hubsim.updater import Updater
    from sdk.keys import SigningKey


class Sideloads:
    """One Hub's updates by hand. A wish is good until the Hub starts anew, or for the time that the permit says."""

    def __init__(
        self, updater: Updater, identity: SigningKey, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._updater, self._identity, self._monotonic = updater, identity, monotonic
        self._nonce, self._asked = b"", 0.0

    def request(self) -> bytes:
        """Return the signed wish, an encoded SignedRecord for the app; an older wish is void by it."""
        running = self._updater.running()
        self._nonce, self._asked = secrets.token_bytes(16), self._monotonic()
        statement = write_sideload_request(
            hub_id=running.hub_id,
            nonce=self._nonce,
            firmware_sequence=running.firmware_sequence,
            hardware_model=running.hardware_model,
            hardware_revision=running.hardware_revision,
            lock_epoch=self._updater.home.lock_epoch(),
            director_sequence=running.director_sequence,
        )
        return write_record(statement, sign_statement(self._identity, Context.SIDELOAD_REQUEST, statement))

    async def take(self, file: BinaryIO) -> None:
        """Install what the file holds, and start it on trial.

        Raises:
            MalformedError: no sideload file.
            FirmwareRefusedError: it is not believed, or it answers no wish of this Hub.
        """
        head = read_sideload_head(sideload.read_head(file))
        files = {each.file: each.content for each in head.files}
        updater = self._updater
        offer = await updater.believe(record_of(head.director_statement), files.get)
        if head.image_length_bytes != offer.artefact_length_bytes:
            raise FirmwareRefusedError("IMAGE_OTHER")
        updater.images.forget()
        updater.images.start(offer.artefact_digest)
        await updater.images.go_on(0, _parts(file), length=offer.artefact_length_bytes)
        try:
            for _ in check_image(offer, updater.images.pieces()):
                pass
        except FirmwareRefusedError:
            updater.images.forget()
            raise
        age = self._monotonic() - self._asked
        nonce, self._nonce = self._nonce, b""
        wish = Wish(hub_nonce=nonce, lock_epoch=updater.home.lock_epoch(), age_seconds=age)
        updater.trust(files.get).check_permit(record_of(head.permit), offer, wish)
        updater.write_and_restart(offer)


async def _parts(file: BinaryIO) -> AsyncIterator[bytes]:
    while piece := await asyncio.to_thread(file.read, sideload.PIECE):
        yield piece
