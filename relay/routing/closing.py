"""Owns what a client is told when its connection ends. Knows no connection."""

from __future__ import annotations

from typing import Final

from relay.routing.reasons import Close
from relay.wire.codes import ReasonCode

_CODES: Final = {
    Close.MALFORMED: ReasonCode.MALFORMED_PACKET,
    Close.PROTOCOL_ERROR: ReasonCode.PROTOCOL_ERROR,
    Close.PACKET_TOO_LARGE: ReasonCode.PACKET_TOO_LARGE,
    Close.VERSION_NOT_SERVED: ReasonCode.UNSUPPORTED_PROTOCOL_VERSION,
    Close.CLIENT_ID_MISMATCH: ReasonCode.CLIENT_IDENTIFIER_NOT_VALID,
    Close.AUTHENTICATION_METHOD: ReasonCode.BAD_AUTHENTICATION_METHOD,
    Close.WILL_NOT_ALLOWED: ReasonCode.NOT_AUTHORIZED,
    Close.TOPIC_FOREIGN: ReasonCode.NOT_AUTHORIZED,
    Close.TOPIC_INVALID: ReasonCode.TOPIC_NAME_INVALID,
    Close.FILTER_INVALID: ReasonCode.TOPIC_FILTER_INVALID,
    Close.TOPIC_ALIAS_INVALID: ReasonCode.TOPIC_ALIAS_INVALID,
    Close.RETAIN_NOT_SERVED: ReasonCode.RETAIN_NOT_SUPPORTED,
    Close.RECEIVE_MAXIMUM: ReasonCode.RECEIVE_MAXIMUM_EXCEEDED,
    Close.SUBSCRIPTION_IDENTIFIER: ReasonCode.SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED,
    Close.SUBSCRIPTION_FLOOD: ReasonCode.QUOTA_EXCEEDED,
    Close.CONSENT_OFF: ReasonCode.NOT_AUTHORIZED,
    Close.HUB_NOT_ACTIVE: ReasonCode.NOT_AUTHORIZED,
    Close.CERTIFICATE_REVOKED: ReasonCode.NOT_AUTHORIZED,
    Close.CERTIFICATE_EXPIRED: ReasonCode.NOT_AUTHORIZED,
    Close.ADMISSION_UNAVAILABLE: ReasonCode.SERVER_BUSY,
    Close.KEEP_ALIVE: ReasonCode.KEEP_ALIVE_TIMEOUT,
    Close.TAKEN_OVER: ReasonCode.SESSION_TAKEN_OVER,
    Close.DRAINING: ReasonCode.SERVER_SHUTTING_DOWN,
    Close.SLOW_READER: ReasonCode.QUOTA_EXCEEDED,
    Close.SESSIONS_FULL: ReasonCode.QUOTA_EXCEEDED,
    Close.FLAPPING: ReasonCode.CONNECTION_RATE_EXCEEDED,
    Close.BUG: ReasonCode.UNSPECIFIED_ERROR,
}
# In CONNACK some reasons have another number, or one that DISCONNECT has not (MQTT5 3.2.2.2).
_REFUSALS: Final = {
    Close.ADMISSION_UNAVAILABLE: ReasonCode.SERVER_UNAVAILABLE,
    Close.DRAINING: ReasonCode.USE_ANOTHER_SERVER,
    Close.CERTIFICATE_REVOKED: ReasonCode.BANNED,
}


def disconnect_code(close: Close) -> ReasonCode:
    """Return the reason code of the DISCONNECT that says this."""
    return _CODES.get(close, ReasonCode.UNSPECIFIED_ERROR)


def connack_code(close: Close) -> ReasonCode:
    """Return the reason code of the CONNACK that refuses for this reason."""
    return _REFUSALS.get(close) or disconnect_code(close)


# When it is worth coming back; each Hub adds a time of its own choice, so that they do not meet again.
_RETRY_AFTER_MS: Final = {
    Close.DRAINING: 500,
    Close.ADMISSION_UNAVAILABLE: 5_000,
    Close.SESSIONS_FULL: 30_000,
    Close.FLAPPING: 10_000,
}
RETRY_AFTER: Final = "retry-after-ms"


def advice(close: Close) -> list[tuple[str, str]]:
    """Return the user properties of the CONNACK or DISCONNECT that says this: when to come back, if ever."""
    after = _RETRY_AFTER_MS.get(close)
    return [(RETRY_AFTER, str(after))] if after is not None else []
