"""Owns the contract's view of a certificate: its name, its state, its reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ora.fleet.v1 import certificate_pb2 as pb

from fleet_svc.api.names import hub_name, parse_hub_name
from fleet_svc.api.times import to_timestamp
from fleet_svc.domain.certificate import Reason
from mesh.errors import InvalidArgumentError

if TYPE_CHECKING:
    from datetime import datetime

    from fleet_svc.domain.certificate import Certificate
    from mesh.ids import HubId

REASONS: Final = {each: pb.RevocationReason.Value(f"REVOCATION_REASON_{each}") for each in Reason}
FROM_PROTO: Final = {number: each for each, number in REASONS.items()}
_MIDDLE: Final = "/certificates/"


def parse_certificate_name(name: str) -> tuple[HubId, bytes]:
    """Return the Hub and the serial number of ``hubs/{hub}/certificates/{hex}``; the hex has no leading zero."""
    hub, _, serial = name.partition(_MIDDLE)
    if not serial or serial.startswith("0"):
        raise InvalidArgumentError.field("name", "hubs/{hub}/certificates/{serial}, hex without leading zeros")
    return parse_hub_name(hub), bytes.fromhex(serial.zfill(len(serial) + len(serial) % 2))


def to_proto(certificate: Certificate, *, now: datetime, revoked_before: datetime | None) -> pb.Certificate:
    """Return the certificate as the contract shows it."""
    serial = int.from_bytes(certificate.serial, "big")
    return pb.Certificate(
        name=f"{hub_name(certificate.hub_id)}{_MIDDLE}{serial:x}",
        chain_der=certificate.chain_der,
        fingerprint=certificate.fingerprint,
        not_before_time=to_timestamp(certificate.validity.not_before),
        not_after_time=to_timestamp(certificate.validity.not_after),
        renew_after_time=to_timestamp(certificate.validity.renew_after),
        state=_state(certificate, now, revoked_before),
        revocation_reason=REASONS[certificate.reason] if certificate.reason else pb.REVOCATION_REASON_UNSPECIFIED,
        revoke_time=to_timestamp(certificate.revoke_time) if certificate.revoke_time else None,
        certificate_authority=f"certificateAuthorities/{certificate.authority_id}",
    )


def _state(certificate: Certificate, now: datetime, revoked_before: datetime | None) -> pb.Certificate.State.ValueType:
    if certificate.refused(not_before=revoked_before):
        return pb.Certificate.STATE_REVOKED
    return pb.Certificate.STATE_EXPIRED if certificate.validity.not_after <= now else pb.Certificate.STATE_ACTIVE
