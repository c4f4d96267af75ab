"""Owns whole envelopes for apps and Hubs: header, content, seal, and the order of checks at opening. No network.

Formats: proto/ora/relay/v1/envelope.proto and sealed_content.proto. Seal: RFC 9180 base mode, sign-then-seal
(docs/adr/0031). A header is authenticated as bytes, never after parsing and serialising again.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from google.protobuf.message import DecodeError
from ora.relay.v1 import envelope_pb2 as pb
from ora.relay.v1 import sealed_content_pb2 as content_pb

from sdk.errors import MalformedError, SenderUnknownError, WrongHeaderError, WrongKeyError
from sdk.hpke import SealingKey
from sdk.ids import uuid7
from sdk.sealing import (
    check_sender,
    open_content,
    pad_bucket_for,
    seal_content,
    sign_payload,
)

if TYPE_CHECKING:
    from sdk.hpke import SealingPublicKey
    from sdk.keys import AppKeys, AppPublic, HubKeys, HubPublic, SigningKey

HEADER_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """An envelope that was opened, its sender proven."""

    header: pb.RouteHeader
    """Parsed; fields of later versions are in its unknown fields."""
    payload: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """Who opens: what a header must say to be for this receiver, the keys, and the senders it knows."""

    hub_id: bytes
    """16 bytes: the receiving Hub, or the Hub that the app is paired with."""
    sender_kind: pb.SenderKind.ValueType
    """Which side sends to this receiver."""
    keys: Mapping[int, SealingKey]
    """The receiver's sealing keys by key epoch."""
    sender_public: Callable[[bytes], bytes | None]
    """From a header's peer id to the sender's raw Ed25519 key (32 bytes); None for a peer that is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Time and identity of one envelope, as arguments so that tests choose them."""

    message_id: bytes
    """16 bytes, time-ordered."""
    created_ms: int
    """Milliseconds since 1970."""


def moment(now_ms: int) -> Moment:
    """Return the moment ``now_ms`` with a fresh message id."""
    return Moment(message_id=uuid7(now_ms, secrets.token_bytes(10)), created_ms=now_ms)


def header_for_hub(app: AppKeys, hub: HubPublic, at: Moment, kind: pb.EnvelopeClass.ValueType) -> pb.RouteHeader:
    """Return the header of an envelope from an app down to a Hub; the caller may add ttl_ms, seq, lock_epoch, trace."""
    header = pb.RouteHeader(
        version=HEADER_VERSION,
        hub_id=hub.hub_id,
        message_id=at.message_id,
        sender_kind=pb.SENDER_KIND_APP,
        peer_id=app.public().peer_id,
        created_ms=at.created_ms,
        key_epoch=hub.key_epoch,
    )
    setattr(header, "class", kind)  # a Python keyword
    return header


def header_for_app(hub: HubKeys, app: AppPublic, at: Moment, kind: pb.EnvelopeClass.ValueType) -> pb.RouteHeader:
    """Return the header of an envelope from a Hub up to an app."""
    header = pb.RouteHeader(
        version=HEADER_VERSION,
        hub_id=hub.hub_id,
        message_id=at.message_id,
        sender_kind=pb.SENDER_KIND_HUB,
        peer_id=app.peer_id,
        created_ms=at.created_ms,
        key_epoch=app.key_epoch,
    )
    setattr(header, "class", kind)
    return header


def seal(header: pb.RouteHeader, payload: bytes, *, receiver: SealingPublicKey, sender: SigningKey) -> bytes:
    """Sign ``payload`` and seal it under ``header``; return an encoded Envelope.

    ``header`` is complete but for `pad_bucket`, which follows from the payload and is set in a copy.

    Raises:
        PayloadTooLargeError: the payload does not fit in the largest bucket.
        MalformedError: the receiver's key is not one.
    """
    complete = pb.RouteHeader()
    complete.CopyFrom(header)
    complete.pad_bucket = pad_bucket_for(receiver.suite, len(payload))
    return seal_header_bytes(
        complete.SerializeToString(deterministic=True),
        payload,
        receiver=receiver,
        sender=sender,
        pad_bucket=complete.pad_bucket,
    )


def seal_header_bytes(
    route_header: bytes, payload: bytes, *, receiver: SealingPublicKey, sender: SigningKey, pad_bucket: int
) -> bytes:
    """Seal under a header that is encoded already, whatever it holds; return an encoded Envelope."""
    content = content_pb.SealedContent(
        payload=payload, signature=sign_payload(sender, route_header=route_header, payload=payload)
    )
    sealed = seal_content(
        receiver,
        route_header=route_header,
        content=content.SerializeToString(deterministic=True),
        pad_bucket=pad_bucket,
    )
    return pb.Envelope(route_header=route_header, sealed=sealed).SerializeToString(deterministic=True)


def app_receiver(app: AppKeys, hub: HubPublic) -> Receiver:
    """Return how an app opens what its Hub sends."""
    peer = app.public().peer_id
    return Receiver(
        hub_id=hub.hub_id,
        sender_kind=pb.SENDER_KIND_HUB,
        keys={app.key_epoch: app.sealing},
        sender_public=lambda peer_id: hub.identity_public if peer_id == peer else None,
    )


def hub_receiver(hub: HubKeys, apps: Mapping[bytes, AppPublic]) -> Receiver:
    """Return how a Hub opens what apps send. ``apps`` is keyed by peer id (16 bytes)."""

    def sender_public(peer_id: bytes) -> bytes | None:
        app = apps.get(peer_id)
        return app.signing_public if app else None

    return Receiver(hub_id=hub.hub_id, sender_kind=pb.SENDER_KIND_APP, keys=hub.sealing, sender_public=sender_public)


def open_envelope(encoded: bytes, receiver: Receiver) -> Opened:
    """Open an encoded Envelope and prove its sender.

    Raises, in the order of the checks:
        MalformedError: no Envelope, no RouteHeader, or no SealedContent inside the seal.
        WrongHeaderError: another version, Hub or direction.
        SenderUnknownError: a peer that the receiver does not know.
        WrongKeyError: a key epoch that the receiver does not hold, or another suite.
        SuiteUnknownError: a suite that this version does not know.
        TamperedError: the seal does not match header, bytes and key.
        PaddingError: the padding or the length of `sealed` is wrong.
        SenderSignatureError: not signed by this sender for this header.
    """
    envelope, header = _parse(encoded)
    _check_header(header, receiver)
    sender_public = receiver.sender_public(header.peer_id)
    if sender_public is None:
        raise SenderUnknownError("no such peer")
    key = receiver.keys.get(header.key_epoch)
    if key is None:
        raise WrongKeyError(f"no key of epoch {header.key_epoch}")
    encoded_content = open_content(
        key, route_header=envelope.route_header, sealed=envelope.sealed, pad_bucket=header.pad_bucket
    )
    try:
        content = content_pb.SealedContent.FromString(encoded_content)
    except DecodeError:
        raise MalformedError("what was sealed is no SealedContent") from None
    check_sender(
        sender_public,
        route_header=envelope.route_header,
        payload=content.payload,
        signature=content.signature,
    )
    return Opened(header=header, payload=content.payload)


def _parse(encoded: bytes) -> tuple[pb.Envelope, pb.RouteHeader]:
    """Read the clear part."""
    try:
        envelope = pb.Envelope.FromString(encoded)
        return envelope, pb.RouteHeader.FromString(envelope.route_header)
    except DecodeError:
        raise MalformedError("no Envelope, or no RouteHeader in it") from None


def _check_header(header: pb.RouteHeader, receiver: Receiver) -> None:
    """Refuse what is for somebody else.

    This is also what stops content that an app signed for one Hub from being sealed again for another: the signature
    covers the header, and the header names the Hub.
    """
    if header.version != HEADER_VERSION:
        raise WrongHeaderError(f"version {header.version} is not served")
    if header.hub_id != receiver.hub_id:
        raise WrongHeaderError("the header names another Hub")
    if header.sender_kind != receiver.sender_kind:
        raise WrongHeaderError("the header says another direction")
