"""Owns the names of every refusal, drop and close; each name is also a metric's label. Knows no protocol."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from relay.wire.codes import ReasonCode


class Refusal(StrEnum):
    """Why an envelope was not taken; the names of ``ora.relay.v1.RefusalReason``."""

    CONSENT_OFF = "CONSENT_OFF"
    PEER_UNKNOWN = "PEER_UNKNOWN"
    HEADER_INVALID = "HEADER_INVALID"
    ROUTE_MISMATCH = "ROUTE_MISMATCH"
    GATE_SHUT = "GATE_SHUT"
    VERSION_UNSUPPORTED = "VERSION_UNSUPPORTED"
    PROJECT_LOCKED = "PROJECT_LOCKED"
    TOO_LARGE = "TOO_LARGE"
    OVERLOADED = "OVERLOADED"
    HUB_NOT_ACTIVE = "HUB_NOT_ACTIVE"
    ADMISSION_UNAVAILABLE = "ADMISSION_UNAVAILABLE"
    HUB_REJECTED = "HUB_REJECTED"
    DRAINING = "DRAINING"
    RECEIVER_LIMIT = "RECEIVER_LIMIT"
    ROUTE_UNAVAILABLE = "ROUTE_UNAVAILABLE"
    TELEMETRY_DROPPED = "TELEMETRY_DROPPED"


class Outcome(StrEnum):
    """The fate of an envelope; the names of ``ora.relay.v1.Outcome``."""

    DELIVERED = "DELIVERED"
    QUEUED = "QUEUED"
    OFFLINE = "OFFLINE"
    EXPIRED = "EXPIRED"
    REFUSED = "REFUSED"


class Drop(StrEnum):
    """Why a packet without acknowledgement went no further."""

    NO_RECEIVER = "NO_RECEIVER"
    QUEUE_FULL = "QUEUE_FULL"
    SESSION_ENDED = "SESSION_ENDED"
    RESPONSE_TOPIC_FOREIGN = "RESPONSE_TOPIC_FOREIGN"
    DUPLICATE_IN_PROGRESS = "DUPLICATE_IN_PROGRESS"
    DUPLICATE = "DUPLICATE"
    EXPIRED = "EXPIRED"
    TOO_LARGE = "TOO_LARGE"


class Close(StrEnum):
    """Why a connection ended."""

    CLIENT_DISCONNECTED = "CLIENT_DISCONNECTED"
    CLIENT_GONE = "CLIENT_GONE"
    MALFORMED = "MALFORMED"
    PROTOCOL_ERROR = "PROTOCOL_ERROR"
    PACKET_TOO_LARGE = "PACKET_TOO_LARGE"
    VERSION_NOT_SERVED = "VERSION_NOT_SERVED"
    CLIENT_ID_MISMATCH = "CLIENT_ID_MISMATCH"
    AUTHENTICATION_METHOD = "AUTHENTICATION_METHOD"
    WILL_NOT_ALLOWED = "WILL_NOT_ALLOWED"
    TOPIC_FOREIGN = "TOPIC_FOREIGN"
    TOPIC_INVALID = "TOPIC_INVALID"
    FILTER_INVALID = "FILTER_INVALID"
    TOPIC_ALIAS_INVALID = "TOPIC_ALIAS_INVALID"
    RETAIN_NOT_SERVED = "RETAIN_NOT_SERVED"
    RECEIVE_MAXIMUM = "RECEIVE_MAXIMUM"
    SUBSCRIPTION_IDENTIFIER = "SUBSCRIPTION_IDENTIFIER"
    SUBSCRIPTION_FLOOD = "SUBSCRIPTION_FLOOD"
    CONSENT_OFF = "CONSENT_OFF"
    HUB_NOT_ACTIVE = "HUB_NOT_ACTIVE"
    CERTIFICATE_REVOKED = "CERTIFICATE_REVOKED"
    CERTIFICATE_EXPIRED = "CERTIFICATE_EXPIRED"
    ADMISSION_UNAVAILABLE = "ADMISSION_UNAVAILABLE"
    KEEP_ALIVE = "KEEP_ALIVE"
    CONNECT_TIMEOUT = "CONNECT_TIMEOUT"
    TAKEN_OVER = "TAKEN_OVER"
    DRAINING = "DRAINING"
    SLOW_READER = "SLOW_READER"
    SESSIONS_FULL = "SESSIONS_FULL"
    FLAPPING = "FLAPPING"
    BUG = "BUG"


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of one envelope; ``refusal`` is set when it was refused."""

    outcome: Outcome
    refusal: Refusal | None = None
    retry_after_ms: int = 0


DELIVERED: Final = Fate(Outcome.DELIVERED)
OFFLINE: Final = Fate(Outcome.OFFLINE)
EXPIRED: Final = Fate(Outcome.EXPIRED)
_RETRY_MS: Final = {
    Refusal.OVERLOADED: 1000,
    Refusal.ADMISSION_UNAVAILABLE: 2000,
    Refusal.DRAINING: 500,
    Refusal.ROUTE_UNAVAILABLE: 1000,
}
_REFUSED: Final = {each: Fate(Outcome.REFUSED, each, _RETRY_MS.get(each, 0)) for each in Refusal}


_NAMED: Final = {each.outcome: each for each in (DELIVERED, OFFLINE, EXPIRED, Fate(Outcome.QUEUED))}


def fate_named(outcome: Outcome) -> Fate:
    """Return the one fate with this outcome that is no refusal."""
    return _NAMED[outcome]


def refused(refusal: Refusal) -> Fate:
    """Return the fate of an envelope that was refused."""
    return _REFUSED[refusal]


_ACK_CODES: Final = {
    Refusal.CONSENT_OFF: ReasonCode.NOT_AUTHORIZED,
    Refusal.PEER_UNKNOWN: ReasonCode.NOT_AUTHORIZED,
    Refusal.HEADER_INVALID: ReasonCode.PAYLOAD_FORMAT_INVALID,
    Refusal.ROUTE_MISMATCH: ReasonCode.NOT_AUTHORIZED,
    Refusal.GATE_SHUT: ReasonCode.NOT_AUTHORIZED,
    Refusal.VERSION_UNSUPPORTED: ReasonCode.PAYLOAD_FORMAT_INVALID,
    Refusal.PROJECT_LOCKED: ReasonCode.NOT_AUTHORIZED,
    Refusal.TOO_LARGE: ReasonCode.PAYLOAD_FORMAT_INVALID,
    Refusal.OVERLOADED: ReasonCode.QUOTA_EXCEEDED,
    Refusal.HUB_NOT_ACTIVE: ReasonCode.NOT_AUTHORIZED,
    Refusal.TELEMETRY_DROPPED: ReasonCode.PAYLOAD_FORMAT_INVALID,
}


def acknowledgement_code(fate: Fate) -> ReasonCode:
    """Return what a 5.0 publisher is told in PUBACK or PUBREC.

    0x10 (no matching subscribers) is a success code, so a receiver that is away is 0x83 and never sounds like delivery.
    """
    if fate.outcome in (Outcome.DELIVERED, Outcome.QUEUED):
        return ReasonCode.SUCCESS
    if fate.refusal is None:
        return ReasonCode.IMPLEMENTATION_SPECIFIC_ERROR
    return _ACK_CODES.get(fate.refusal, ReasonCode.IMPLEMENTATION_SPECIFIC_ERROR)
