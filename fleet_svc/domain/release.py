"""Owns releases of firmware: their life, their images, and which Hubs fit; knows no I/O, no clock and no rollout."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from itertools import combinations
from typing import TYPE_CHECKING
from uuid import UUID

from mesh.errors import AbortedError, InvalidArgumentError, StateConflictError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class State(StrEnum):
    """Where a release is in its life; the value is what the database holds."""

    DRAFT = "DRAFT"
    SIGNED = "SIGNED"
    WITHDRAWN = "WITHDRAWN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """One image of a release, and the hardware that it is for."""

    digest: bytes
    hardware_model: str
    hardware_revision_min: int
    hardware_revision_max: int
    # The firmware that the image is a difference to; 0: it is whole.
    base_sequence: int = 0

    def overlaps(self, other: Image) -> bool:
        """Tell whether some Hub could take either."""
        return (
            (self.hardware_model, self.base_sequence) == (other.hardware_model, other.base_sequence)
            and self.hardware_revision_min <= other.hardware_revision_max
            and other.hardware_revision_min <= self.hardware_revision_max
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What of a release may change while it is a DRAFT."""

    images: tuple[Image, ...]
    firmware_sequence_min: int = 0
    boot_loader_version_min: int = 0
    security_fix: bool = False
    notes: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """What the offline targets role says of one image."""

    length_bytes: int
    hardware_model: str
    hardware_revision_min: int
    hardware_revision_max: int
    firmware_sequence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One version of the firmware, at one moment."""

    release_id: UUID
    version: str
    sequence: int
    content: Content
    state: State
    targets_version: int
    revision: int
    create_time: datetime
    update_time: datetime

    @property
    def etag(self) -> str:
        """Changes with each change; sixteen characters."""
        return f"{self.revision:016x}"

    def edit(self, content: Content, *, now: datetime, etag: str) -> Release:
        """Return the DRAFT with other content, itself if it has that already, or refuse."""
        if self.state is not State.DRAFT:
            raise StateConflictError("the release is no DRAFT any more", reason="RELEASE_FIXED", state=self.state)
        if content == self.content:
            return self
        self._require(etag)
        check(content)
        return self._changed(content=content, now=now)

    def sign(self, listed: Mapping[bytes, Listed], *, targets_version: int, now: datetime) -> Release:
        """Return the release SIGNED if targets list every image of it for what it is, else itself."""
        whole = all(self._agrees(image, listed.get(image.digest)) for image in self.content.images)
        if self.state is not State.DRAFT or not whole:
            return self
        return replace(self._changed(state=State.SIGNED, now=now), targets_version=targets_version)

    def withdraw(self, *, now: datetime, etag: str) -> Release:
        """Return the release WITHDRAWN; itself if it is."""
        if self.state is State.WITHDRAWN:
            return self
        self._require(etag)
        return self._changed(state=State.WITHDRAWN, now=now)

    def _agrees(self, image: Image, listed: Listed | None) -> bool:
        return listed is not None and (
            image.hardware_model,
            image.hardware_revision_min,
            image.hardware_revision_max,
            self.sequence,
        ) == (
            listed.hardware_model,
            listed.hardware_revision_min,
            listed.hardware_revision_max,
            listed.firmware_sequence,
        )

    def _require(self, etag: str) -> None:
        if etag not in {"", self.etag}:
            raise AbortedError("the release was changed since the etag was read", reason="ETAG_MISMATCH")

    def _changed(self, *, now: datetime, content: Content | None = None, state: State | None = None) -> Release:
        return replace(
            self,
            content=content or self.content,
            state=state or self.state,
            revision=self.revision + 1,
            update_time=now,
        )


def check(content: Content) -> None:
    """Refuse images that contradict themselves or each other."""
    for image in content.images:
        if image.hardware_revision_min > image.hardware_revision_max:
            raise _images("hardware_revision_min is above hardware_revision_max")
    if any(one.overlaps(other) for one, other in combinations(content.images, 2)):
        raise _images("two images are for the same hardware and base")


def require_present(images: Sequence[Image], ready: Mapping[bytes, int]) -> None:
    """Refuse images whose bytes are not here."""
    absent = [image.digest.hex() for image in images if image.digest not in ready]
    if absent:
        raise StateConflictError("an image is not uploaded", reason="ARTEFACT_NOT_READY", artefact=absent[0])


def _images(problem: str) -> InvalidArgumentError:
    return InvalidArgumentError.field("firmware_release.images", problem)
