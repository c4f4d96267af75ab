"""Owns a Hub's judgement of an update: TUF metadata, the director's words, the image. Knows no slot, no cloud.

All three have to agree: the offline targets say what the image is for, the director says that it is for this Hub now,
and the bytes are what both named. `fetch` gets a file by its name, from the gateway or out of a sideload file alike.
Statements are read by whoever holds the Hub's Protobuf: it knows none, so that any implementation can stand on it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, TypeVar

from tuf.api import exceptions as tuf_errors
from tuf.api.metadata import Metadata, Targets
from tuf.ngclient import Updater
from tuf.ngclient.fetcher import FetcherInterface

from sdk.errors import MalformedError
from sdk.keys import key_id, verifies

if TYPE_CHECKING:
    from pathlib import Path

    from tuf.api.metadata import TargetFile

DIRECTOR_CONTEXT: Final = b"ora director v1"
PERMIT_CONTEXT: Final = b"ora install permit v1"

T = TypeVar("T")
Fetch = Callable[[str], bytes | None]


class Offer(Protocol):
    """A DirectorStatement, read."""

    hub_id: bytes
    sequence: int
    update_id: bytes
    artefact_digest: bytes
    artefact_length_bytes: int
    firmware_sequence: int
    firmware_version: str
    hardware_model: str
    hardware_revision_min: int
    hardware_revision_max: int
    targets_version: int
    issued_seconds: int
    not_after_seconds: int


class Permit(Protocol):
    """An InstallPermitStatement, read."""

    hub_id: bytes
    permit_id: bytes
    update_id: bytes
    artefact_digest: bytes
    lock_epoch: int
    hub_nonce: bytes
    valid_seconds: int


class Record(NamedTuple):
    """A SignedRecord, read."""

    statement: bytes
    signature: bytes
    key_id: bytes


class Statements(Protocol):
    """Reads what is signed. Bytes that are no message of their kind raise ``MalformedError``."""

    def offer(self, encoded: bytes) -> Offer:
        """Return a DirectorStatement."""

    def permit(self, encoded: bytes) -> Permit:
        """Return an InstallPermitStatement."""


class FirmwareRefusedError(Exception):
    """An update is not taken; `reason` is stable and fit for a report."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """What the Hub is and runs."""

    hub_id: bytes
    hardware_model: str
    hardware_revision: int
    firmware_sequence: int
    director_sequence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """The Hub's own request for leave to install, at the moment before it begins."""

    hub_nonce: bytes
    lock_epoch: int
    # Since the request, by the Hub's own clock that counts and knows no date.
    age_seconds: float


class _Files(FetcherInterface):
    """Gives python-tuf its files."""

    def __init__(self, fetch: Fetch) -> None:
        self._get = fetch

    def _fetch(self, url: str) -> Iterator[bytes]:
        content = self._get(url.rpartition("/")[2])
        if content is None:
            raise tuf_errors.DownloadHTTPError("not there", 404)
        yield content


class FirmwareTrust:
    """What one Hub believes; kept in `folder` from one update to the next."""

    def __init__(self, folder: Path, root: bytes, fetch: Fetch, statements: Statements) -> None:
        """Start with the root that the factory put into the firmware."""
        self._folder, self._root, self._fetch, self._statements = folder, root, fetch, statements
        folder.mkdir(parents=True, exist_ok=True)

    def check(self, record: Record, running: Running, *, now_seconds: int) -> Offer:
        """Return what the director offers, if the offline keys and this Hub agree with it, or refuse."""
        targets = self._refresh()
        offer = _read(self._statements.offer, _signed(record, targets, DIRECTOR_CONTEXT))
        if offer.hub_id != running.hub_id:
            raise FirmwareRefusedError("OTHER_HUB")
        if offer.sequence <= running.director_sequence:
            raise FirmwareRefusedError("DIRECTOR_ROLLED_BACK")
        if not offer.issued_seconds <= offer.not_after_seconds or now_seconds > offer.not_after_seconds:
            raise FirmwareRefusedError("OFFER_EXPIRED")
        if targets.version < offer.targets_version:
            raise FirmwareRefusedError("TARGETS_OLD")
        if offer.firmware_sequence < running.firmware_sequence:
            raise FirmwareRefusedError("SEQUENCE_ROLLED_BACK")
        _require_fit(offer, running)
        _require_listed(offer, targets.targets.get(offer.artefact_digest.hex()))
        return offer

    def check_permit(self, record: Record, offer: Offer, wish: Wish) -> Permit:
        """Return the permit if it lets this Hub install just this now, or refuse. Asked right before it is spent."""
        targets = Metadata[Targets].from_file(str(self._folder / "targets.json")).signed
        permit = _read(self._statements.permit, _signed(record, targets, PERMIT_CONTEXT))
        meant = (offer.hub_id, offer.update_id, offer.artefact_digest, wish.hub_nonce)
        if (permit.hub_id, permit.update_id, permit.artefact_digest, permit.hub_nonce) != meant:
            raise FirmwareRefusedError("PERMIT_OTHER")
        # A handover that began after the permit was given has raised the Hub's own epoch.
        if permit.lock_epoch < wish.lock_epoch:
            raise FirmwareRefusedError("PERMIT_KILLED")
        if not 0 <= wish.age_seconds <= permit.valid_seconds:
            raise FirmwareRefusedError("PERMIT_EXPIRED")
        return permit

    def _refresh(self) -> Targets:
        updater = Updater(str(self._folder), "ora:/", fetcher=_Files(self._fetch), bootstrap=self._root)
        try:
            updater.refresh()
        except tuf_errors.ExpiredMetadataError:
            raise FirmwareRefusedError("METADATA_EXPIRED") from None
        except (tuf_errors.BadVersionNumberError, tuf_errors.EqualVersionNumberError):
            raise FirmwareRefusedError("METADATA_ROLLED_BACK") from None
        except tuf_errors.UnsignedMetadataError:
            raise FirmwareRefusedError("METADATA_UNSIGNED") from None
        except tuf_errors.DownloadError:
            raise FirmwareRefusedError("METADATA_MISSING") from None
        except tuf_errors.RepositoryError:
            raise FirmwareRefusedError("METADATA_INVALID") from None
        return Metadata[Targets].from_file(str(self._folder / "targets.json")).signed


def check_image(offer: Offer, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the pieces of an image, never beyond its length; refuse at its end what is not what was offered."""
    hasher, length = hashlib.sha256(), 0
    for piece in pieces:
        length += len(piece)
        if length > offer.artefact_length_bytes:
            raise FirmwareRefusedError("IMAGE_TOO_LONG")
        hasher.update(piece)
        yield piece
    if length != offer.artefact_length_bytes or hasher.digest() != offer.artefact_digest:
        raise FirmwareRefusedError("IMAGE_OTHER")


def _signed(signed: Record, targets: Targets, context: bytes) -> bytes:
    """Return the statement if a key signed it that the offline targets delegate to."""
    roles = targets.delegations.roles if targets.delegations else None
    role = roles.get("director") if roles else None
    for keyid in role.keyids if role else ():
        public = bytes.fromhex(_public(targets, keyid))
        message = context + b"\0" + signed.statement
        if signed.key_id == key_id(public) and verifies(public, signed.signature, message):
            return signed.statement
    raise FirmwareRefusedError("DIRECTOR_UNKNOWN")


def _read(reader: Callable[[bytes], T], encoded: bytes) -> T:
    try:
        return reader(encoded)
    except MalformedError:
        raise FirmwareRefusedError("STATEMENT_INVALID") from None


def _public(targets: Targets, keyid: str) -> str:
    return str(targets.get_key(keyid).keyval["public"]) if targets.delegations else ""


def _require_fit(offer: Offer, running: Running) -> None:
    least, greatest = offer.hardware_revision_min, offer.hardware_revision_max
    if offer.hardware_model != running.hardware_model or not least <= running.hardware_revision <= greatest:
        raise FirmwareRefusedError("OTHER_HARDWARE")


def _require_listed(offer: Offer, target: TargetFile | None) -> None:
    """The director alone cannot make an image fit: the offline keys said for what it is."""
    if target is None:
        raise FirmwareRefusedError("IMAGE_NOT_LISTED")
    said = target.custom or {}
    listed = (
        target.length,
        said.get("hardware_model"),
        said.get("hardware_revision_min"),
        said.get("hardware_revision_max"),
        said.get("firmware_sequence"),
    )
    offered = (
        offer.artefact_length_bytes,
        offer.hardware_model,
        offer.hardware_revision_min,
        offer.hardware_revision_max,
        offer.firmware_sequence,
    )
    if listed != offered:
        raise FirmwareRefusedError("IMAGE_LISTED_OTHERWISE")
