"""Owns the bytes of `sealed`: suite ‖ enc ‖ ciphertext, the padding and the sender's signature.

It knows no Protobuf, so that any implementation of the contracts can stand on it. Layout and constants stand in
proto/ora/relay/v1/sealed_content.proto.
"""

from __future__ import annotations

import hashlib
from typing import Final

from sdk.errors import (
    MalformedError,
    PaddingError,
    PayloadTooLargeError,
    SenderSignatureError,
    WrongKeyError,
)
from sdk.hpke import SealingKey, SealingPublicKey, SuiteId, hpke_open, hpke_seal, suite_of
from sdk.keys import SigningKey, verifies

INFO: Final = b"ora envelope v1"
SENDER_CONTEXT: Final = b"ora envelope sender v1"
SIGNATURE_BYTES: Final = 64
BUCKET_BYTES: Final = 256
MAX_BUCKET: Final = 8  # 65536 bytes, the most that `sealed` may hold
MAX_PAYLOAD_BYTES: Final = 65000


def sealed_bytes(pad_bucket: int) -> int:
    """Return how long `sealed` is with this bucket: 256·2^bucket bytes.

    Raises:
        PaddingError: there is no such bucket.
    """
    if not 0 <= pad_bucket <= MAX_BUCKET:
        raise PaddingError(f"pad bucket {pad_bucket} is not one of 0 to {MAX_BUCKET}")
    return BUCKET_BYTES << pad_bucket


def content_bytes(payload_bytes: int) -> int:
    """Return the length of an encoded SealedContent with a payload of so many bytes.

    Each field is tag (1) ‖ length (varint) ‖ bytes; an empty payload is not written (proto3).
    """
    payload_field = 1 + max(1, (payload_bytes.bit_length() + 6) // 7) + payload_bytes if payload_bytes else 0
    return payload_field + 2 + SIGNATURE_BYTES


def pad_bucket_for(suite: SuiteId, payload_bytes: int) -> int:
    """Return the smallest bucket that takes a payload of so many bytes. It belongs in the header before sealing.

    Raises:
        PayloadTooLargeError: not even the largest does.
    """
    needed = suite.overhead_bytes + content_bytes(payload_bytes) + 1
    if payload_bytes <= MAX_PAYLOAD_BYTES:
        for bucket in range(MAX_BUCKET + 1):
            if needed <= sealed_bytes(bucket):
                return bucket
    raise PayloadTooLargeError(f"{payload_bytes} bytes do not fit in suite {suite}")


def sender_message(route_header: bytes, payload: bytes) -> bytes:
    """Return what a sender signs: context ‖ 0x00 ‖ SHA-256(route_header) ‖ payload."""
    return SENDER_CONTEXT + b"\0" + hashlib.sha256(route_header).digest() + payload


def sign_payload(sender: SigningKey, *, route_header: bytes, payload: bytes) -> bytes:
    """Sign a payload for one header; return 64 bytes."""
    return sender.sign(sender_message(route_header, payload))


def check_sender(sender_public: bytes, *, route_header: bytes, payload: bytes, signature: bytes) -> None:
    """Check who said it. ``sender_public`` is a raw Ed25519 key, 32 bytes.

    Raises:
        SenderSignatureError: not this sender, or not for this header.
    """
    if not verifies(sender_public, signature, sender_message(route_header, payload)):
        raise SenderSignatureError("the content is not signed by its sender for this header")


def seal_content(receiver: SealingPublicKey, *, route_header: bytes, content: bytes, pad_bucket: int) -> bytes:
    """Pad and seal an encoded SealedContent; return `sealed`, exactly `sealed_bytes(pad_bucket)` long.

    Raises:
        PaddingError: the content does not fit in the bucket, or there is no such bucket.
        MalformedError: the receiver's key is not one.
    """
    room = sealed_bytes(pad_bucket) - receiver.suite.overhead_bytes
    zeros = room - len(content) - 1
    if zeros < 0:
        raise PaddingError(f"the content does not fit in pad bucket {pad_bucket}")
    plaintext = content + b"\x80" + bytes(zeros)
    return bytes([receiver.suite]) + hpke_seal(receiver, info=INFO, aad=route_header, plaintext=plaintext)


def open_content(key: SealingKey, *, route_header: bytes, sealed: bytes, pad_bucket: int) -> bytes:
    """Open `sealed` and take the padding off; return the encoded SealedContent.

    Raises:
        MalformedError: too short to be anything.
        SuiteUnknownError: a suite that this version does not know.
        WrongKeyError: a suite that is not the key's.
        TamperedError: the seal does not match header, bytes and key.
        PaddingError: the length is not the bucket's, or the padding is not 0x80 and zeros.
    """
    if not sealed:
        raise MalformedError("sealed is empty")
    suite = suite_of(sealed[0])
    if suite is not key.suite:
        raise WrongKeyError(f"sealed with suite {suite}, the key is of suite {key.suite}")
    if len(sealed) <= suite.overhead_bytes:
        raise MalformedError("sealed is shorter than its own frame")
    plaintext = hpke_open(key, info=INFO, aad=route_header, enc_and_ciphertext=sealed[1:])
    if len(sealed) != sealed_bytes(pad_bucket):
        raise PaddingError("sealed is not as long as its bucket")
    content = plaintext.rstrip(b"\0")
    if not content.endswith(b"\x80"):
        raise PaddingError("the padding does not start with 0x80")
    return content[:-1]
