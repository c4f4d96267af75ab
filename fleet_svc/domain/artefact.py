"""Owns how an image comes in: in order, from where it stopped, and true to its name; knows no I/O and no clock."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from mesh.errors import OutOfRangeError, StateConflictError


class State(StrEnum):
    """Where an image is; the value is what the database holds."""

    UPLOADING = "UPLOADING"
    READY = "READY"
    REFUSED = "REFUSED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Artefact:
    """One image, named by the SHA-256 of its bytes."""

    digest: bytes
    length_bytes: int
    committed_bytes: int
    state: State
    create_time: datetime
    update_time: datetime

    @property
    def is_whole(self) -> bool:
        """Whether every byte is here, checked or not."""
        return self.committed_bytes == self.length_bytes

    def take(self, offset: int, size: int, *, now: datetime) -> Artefact:
        """Return the image with the next piece, or refuse a piece from elsewhere."""
        if offset != self.committed_bytes or self.state is not State.UPLOADING:
            raise OutOfRangeError(
                "the upload goes on elsewhere", reason="UPLOAD_OUT_OF_ORDER", committed_bytes=self.committed_bytes
            )
        if offset + size > self.length_bytes:
            raise OutOfRangeError("the piece goes beyond the end", reason="UPLOAD_TOO_LONG")
        return replace(self, committed_bytes=offset + size, update_time=now)

    def judge(self, digest: bytes) -> Artefact:
        """Return the whole image as what its bytes make it."""
        return replace(self, state=State.READY if digest == self.digest else State.REFUSED)


def start(held: Artefact | None, digest: bytes, length_bytes: int, *, now: datetime) -> Artefact:
    """Return the image whose upload goes on, or a new one; what was refused may be sent again."""
    if held is None or held.state is State.REFUSED:
        created = held.create_time if held else now
        return Artefact(
            digest=digest,
            length_bytes=length_bytes,
            committed_bytes=0,
            state=State.UPLOADING,
            create_time=created,
            update_time=now,
        )
    if held.length_bytes != length_bytes:
        raise StateConflictError("the upload was started with another length", reason="ARTEFACT_LENGTH_DIFFERS")
    return held
