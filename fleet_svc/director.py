"""Owns what the director key signs: one image for one Hub, and leave to install it now. Knows no database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ora.fleet.v1.firmware_statement_pb2 import DirectorStatement, InstallPermitStatement

from fleet_svc.domain.update import PERMIT_LIFE
from mesh import signing

if TYPE_CHECKING:
    from datetime import datetime

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from ora.common.v1.signed_record_pb2 import SignedRecord

    from fleet_svc.domain.release import Image, Release
    from fleet_svc.domain.update import Permit, Update

DIRECTOR_CONTEXT: Final = b"ora director v1"
PERMIT_CONTEXT: Final = b"ora install permit v1"
# How long a Hub may take to fetch what it was offered.
_OFFER_SECONDS: Final = 7 * 86_400


class Director:
    """Signs with the key that the TUF targets role delegates to."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    def offer(
        self, update: Update, release: Release, image: Image, *, length_bytes: int, sequence: int, now: datetime
    ) -> SignedRecord:
        """Return the statement that offers one image to one Hub."""
        issued = int(now.timestamp())
        statement = DirectorStatement(
            hub_id=update.hub_id.bytes,
            sequence=sequence,
            update_id=update.update_id.bytes,
            artefact_digest=image.digest,
            artefact_length_bytes=length_bytes,
            firmware_sequence=release.sequence,
            firmware_version=release.version,
            hardware_model=image.hardware_model,
            hardware_revision_min=image.hardware_revision_min,
            hardware_revision_max=image.hardware_revision_max,
            targets_version=release.targets_version,
            issued_seconds=issued,
            not_after_seconds=issued + _OFFER_SECONDS,
        )
        return signing.sign(self._key, DIRECTOR_CONTEXT, statement)

    def permit(self, update: Update, permit: Permit, *, digest: bytes, hub_nonce: bytes, now: datetime) -> SignedRecord:
        """Return the statement that lets one Hub install now."""
        statement = InstallPermitStatement(
            hub_id=update.hub_id.bytes,
            permit_id=permit.permit_id.bytes,
            update_id=update.update_id.bytes,
            artefact_digest=digest,
            lock_epoch=permit.lock_epoch,
            hub_nonce=hub_nonce,
            valid_seconds=int(PERMIT_LIFE.total_seconds()),
            issued_seconds=int(now.timestamp()),
        )
        return signing.sign(self._key, PERMIT_CONTEXT, statement)
