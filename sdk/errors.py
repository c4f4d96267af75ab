"""Owns the names of everything that can be wrong with an envelope or a record, one class each.

An AEAD cannot say why it failed. What can be told apart is told apart before it is asked: the suite and the key epoch
(WrongKeyError), whom the header names (WrongHeaderError). When these agree and the tag does not, something was changed
on the way, and `TamperedError` says so.
"""

from __future__ import annotations

from typing import ClassVar


class SealError(Exception):
    """Something is wrong with an envelope or a record. `reason` is stable and fit for a log; the text is for people."""

    reason: ClassVar[str] = "SEAL_ERROR"


class MalformedError(SealError):
    """The bytes are not what they should be: no Envelope, no SealedContent, a length that cannot be."""

    reason = "MALFORMED"


class SuiteUnknownError(SealError):
    """The first byte of `sealed` names a suite that this version does not know."""

    reason = "SUITE_UNKNOWN"


class WrongKeyError(SealError):
    """Sealed to another key than the receiver's: another suite, or a key epoch that it does not hold."""

    reason = "WRONG_KEY"


class WrongHeaderError(SealError):
    """The header is for somebody else: another version, Hub, peer or direction."""

    reason = "WRONG_HEADER"


class TamperedError(SealError):
    """The tag does not match: header or sealed bytes were changed, or a key with the same epoch is not the same key."""

    reason = "TAMPERED"


class PaddingError(SealError):
    """The padding is not 0x80 and zeros, or `sealed` is not as long as the header's pad bucket says."""

    reason = "BAD_PADDING"


class SenderUnknownError(SealError):
    """Nobody that the receiver knows has this peer id."""

    reason = "SENDER_UNKNOWN"


class SenderSignatureError(SealError):
    """The content is signed by another key than the sender's, or for another header."""

    reason = "SENDER_SIGNATURE"


class PayloadTooLargeError(SealError):
    """The payload does not fit in the largest bucket with this suite."""

    reason = "PAYLOAD_TOO_LARGE"


class WrongPlaceError(SealError):
    """A Project Key that is sealed for another handover or another AccessKey."""

    reason = "WRONG_PLACE"


class AccessKeyTextError(SealError):
    """What was typed or scanned is no AccessKey. Nothing of it is in the text."""

    reason = "NO_ACCESS_KEY"


class ChainError(SealError):
    """An audit chain does not hold: an entry was changed, removed, added or moved, or a checkpoint is of another."""

    reason = "CHAIN_BROKEN"


class RecordSignatureError(SealError):
    """A signed record does not verify: another key, another context, or changed bytes."""

    reason = "RECORD_SIGNATURE"
