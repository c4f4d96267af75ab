"""Owns the messages around a Hub's firmware, by betterproto2: reading what is signed, writing the Hub's wish.

betterproto2 is lenient, so the shape of everything that is read is checked here, as firmware's own bounds do.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Final

from hubsim.wire import ID_BYTES, UNREADABLE
from hubsim.wire_gen.ora.fleet.v1 import (
    DirectorStatement,
    InstallPermitStatement,
    SideloadHead,
    SideloadRequestStatement,
)
from sdk.errors import MalformedError
from sdk.firmware_trust import Record

if TYPE_CHECKING:
    from hubsim.wire_gen.ora.common.v1 import SignedRecord

DIGEST_BYTES: Final = 32


class HubStatements:
    """Reads the director's statements."""

    def offer(self, encoded: bytes) -> DirectorStatement:
        """Return a DirectorStatement."""
        try:
            read = DirectorStatement.parse(encoded)
        except UNREADABLE:
            raise MalformedError("no DirectorStatement") from None
        _require_ids(read, "hub_id", "update_id")
        numbers = (read.sequence, read.artefact_length_bytes, read.firmware_sequence, read.targets_version)
        revisions = (read.hardware_revision_min, read.hardware_revision_max)
        times = (read.issued_seconds, read.not_after_seconds)
        if not all(isinstance(each, int) for each in (*numbers, *revisions, *times)):
            raise MalformedError("a number of the DirectorStatement is none")
        if not isinstance(read.firmware_version, str) or not isinstance(read.hardware_model, str):
            raise MalformedError("a text of the DirectorStatement is none")
        return read

    def permit(self, encoded: bytes) -> InstallPermitStatement:
        """Return an InstallPermitStatement."""
        try:
            read = InstallPermitStatement.parse(encoded)
        except UNREADABLE:
            raise MalformedError("no InstallPermitStatement") from None
        _require_ids(read, "hub_id", "update_id", "permit_id", "hub_nonce")
        if not isinstance(read.lock_epoch, int) or not isinstance(read.valid_seconds, int):
            raise MalformedError("a number of the InstallPermitStatement is none")
        return read


def _require_ids(read: DirectorStatement | InstallPermitStatement, *names: str) -> None:
    ids = [getattr(read, name) for name in names]
    if not all(isinstance(each, bytes) and len(each) == ID_BYTES for each in ids):
        raise MalformedError("an id is not 16 bytes long")
    if not isinstance(read.artefact_digest, bytes) or len(read.artefact_digest) != DIGEST_BYTES:
        raise MalformedError("the digest is not 32 bytes long")


def read_record_json(document: dict[str, str]) -> Record:
    """Return the SignedRecord that a JSON document of the contract holds.

    Raises:
        MalformedError: it holds none.
    """
    try:
        return Record(
            *(base64.b64decode(document[name], validate=True) for name in ("statement", "signature", "keyId"))
        )
    except (KeyError, TypeError, ValueError):
        raise MalformedError("no SignedRecord") from None


def read_sideload_head(encoded: bytes) -> SideloadHead:
    """Return the head of a sideload file.

    Raises:
        MalformedError: it is none.
    """
    try:
        head = SideloadHead.parse(encoded)
    except UNREADABLE:
        raise MalformedError("no SideloadHead") from None
    if head.director_statement is None or head.permit is None or not isinstance(head.image_length_bytes, int):
        raise MalformedError("the SideloadHead lacks a statement")
    return head


def record_of(read: SignedRecord | None) -> Record:
    """Return a SignedRecord inside another message."""
    if read is None:
        raise MalformedError("no SignedRecord")
    return Record(read.statement, read.signature, read.key_id)


def write_sideload_request(
    *,
    hub_id: bytes,
    nonce: bytes,
    firmware_sequence: int,
    hardware_model: str,
    hardware_revision: int,
    lock_epoch: int,
    director_sequence: int,
) -> bytes:
    """Encode a SideloadRequestStatement."""
    return bytes(
        SideloadRequestStatement(
            hub_id=hub_id,
            hub_nonce=nonce,
            firmware_sequence=firmware_sequence,
            hardware_model=hardware_model,
            hardware_revision=hardware_revision,
            lock_epoch=lock_epoch,
            director_sequence=director_sequence,
        )
    )
