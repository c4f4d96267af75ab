"""Owns the list of envelope vectors: what is sealed, to whom, and what is then done to the bytes.

It knows no file and no randomness: a case is a recipe.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from ora.relay.v1 import envelope_pb2 as pb
from ora.relay.v1 import sealed_content_pb2 as content_pb

from sdk.golden.headers import UNKNOWN, encoded, minimal
from sdk.golden.testkeys import OTHER_HUB_ID, app_of, hub_of, secret_of
from sdk.golden.wire import bytes_field, varint_field
from sdk.hpke import SealingKey, SealingPublicKey, SuiteId
from sdk.keys import SigningKey
from sdk.sealing import pad_bucket_for, sealed_bytes, sign_payload

if TYPE_CHECKING:
    from collections.abc import Iterator

PING: Final = b"ping"
OPENS: Final = "OPENS"
Change = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiving:
    """Who tries to open: as sdk.envelope.Receiver, but plain data."""

    hub_id: bytes
    sender_kind: pb.SenderKind.ValueType
    keys: dict[int, SealingKey]
    senders: dict[bytes, bytes]
    """From peer id to the sender's raw Ed25519 key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One recipe: seal `plaintext` to `sealed_to` under `route_header`, then apply `change` to the Envelope."""

    name: str
    about: str
    route_header: bytes
    payload: bytes
    plaintext: bytes
    """What goes into HPKE: content and padding."""
    sealed_to: SealingPublicKey
    receiving: Receiving
    change: Change | None = None
    base: str | None = None
    """The case whose sealed bytes this one takes, so that what differs is the change alone."""


def receiving_hub(suite: SuiteId) -> Receiving:
    """Return the Hub as receiver of its app's envelopes."""
    hub, app = hub_of(suite), app_of(suite).public()
    return Receiving(
        hub_id=hub.hub_id,
        sender_kind=pb.SENDER_KIND_APP,
        keys=hub.sealing,
        senders={app.peer_id: app.signing_public},
    )


def receiving_app(suite: SuiteId) -> Receiving:
    """Return the app as receiver of its Hub's envelopes."""
    hub, app = hub_of(suite), app_of(suite)
    return Receiving(
        hub_id=hub.hub_id,
        sender_kind=pb.SENDER_KIND_HUB,
        keys={app.key_epoch: app.sealing},
        senders={app.public().peer_id: hub.identity.public()},
    )


def pad(content: bytes, suite: SuiteId, bucket: int) -> bytes:
    """Pad a content for a bucket."""
    return content + b"\x80" + bytes(sealed_bytes(bucket) - suite.overhead_bytes - len(content) - 1)


def content_of(sender: SigningKey, route_header: bytes, payload: bytes) -> bytes:
    """Sign and encode a content."""
    signature = sign_payload(sender, route_header=route_header, payload=payload)
    return content_pb.SealedContent(payload=payload, signature=signature).SerializeToString(deterministic=True)


def header_bytes(suite: SuiteId, payload: bytes, *, up: bool = False, **fields: int | bytes) -> bytes:
    """Encode a header between the app and the Hub of the vectors."""
    header = minimal()
    header.sender_kind = pb.SENDER_KIND_HUB if up else pb.SENDER_KIND_APP
    header.key_epoch = 5 if up else 2
    header.pad_bucket = pad_bucket_for(suite, len(payload))
    header.seq = 41
    header.ttl_ms = 30_000
    for name, value in fields.items():
        setattr(header, name, value)
    return encoded(header)


def case(name: str, about: str, suite: SuiteId, payload: bytes = PING, *, up: bool = False, extra: bytes = b"") -> Case:
    """Make a case that opens: down to the Hub, or up to the app. ``extra`` follows the header's own fields."""
    route_header = header_bytes(suite, payload, up=up) + extra
    sender = hub_of(suite).identity if up else app_of(suite).signing
    content = content_of(sender, route_header, payload)
    receiving = receiving_app(suite) if up else receiving_hub(suite)
    sealing = app_of(suite).sealing if up else hub_of(suite).sealing[2]
    return Case(
        name=name,
        about=about,
        route_header=route_header,
        payload=payload,
        plaintext=pad(content, suite, pad_bucket_for(suite, len(payload))),
        sealed_to=sealing.public(),
        receiving=receiving,
    )


def positive() -> Iterator[Case]:
    """Make the cases that open."""
    for suite in SuiteId:
        word = suite.name.lower()
        yield case(f"{word}_down", "An app's ping to its Hub.", suite)
        yield case(f"{word}_up", "The Hub's answer to the app.", suite, b"pong", up=True)
        yield case(f"{word}_empty_payload", "Nothing said: the payload field is not written.", suite, b"")
        yield case(f"{word}_unknown_fields", "Header fields of a later version.", suite, extra=UNKNOWN)
    small = SuiteId.SMALL
    yield case("small_bucket_full", "The longest payload of bucket 0: 0x80 and no zeros.", small, b"f" * 137)
    yield case("small_bucket_next", "One byte more: bucket 1.", small, b"n" * 138)
    yield case("hybrid_largest", "The longest payload of suite 2.", SuiteId.HYBRID, b"Z" * 64_328)
    yield case("small_ends_in_80", "A payload of 0x80 and zeros is not taken for padding.", small, b"\x80\x00\x00")
    yield case(
        "small_gated_field",
        "Sets stream_id: a receiver opens it, a relay of Phase 1 refuses it with GATE_SHUT.",
        small,
        extra=varint_field(37, 9),
    )
    down = case("small_header_reversed", "Header fields in falling order: the AAD is the bytes.", small)
    header = pb.RouteHeader.FromString(down.route_header)
    yield resealed(down, route_header=_reversed(header))
    yield replace(
        case("small_envelope_unknown_field", "The Envelope itself has a field 99 of a later version.", small),
        base="small_down",
        change=lambda envelope: envelope + bytes_field(99, b"later"),
    )


def resealed(like: Case, *, route_header: bytes) -> Case:
    """Make ``like`` again under another header, signed for it."""
    suite = like.sealed_to.suite
    content = content_of(app_of(suite).signing, route_header, like.payload)
    bucket = pb.RouteHeader.FromString(route_header).pad_bucket
    return replace(like, route_header=route_header, plaintext=pad(content, suite, bucket))


def _reversed(header: pb.RouteHeader) -> bytes:
    """Encode a header's fields in falling order."""
    parts = []
    for field, _ in header.ListFields():
        single = pb.RouteHeader()
        setattr(single, field.name, getattr(header, field.name))
        parts.append(encoded(single))
    return b"".join(reversed(parts))


def negative() -> Iterator[Case]:
    """Make the cases that must not open."""
    down = case("small_down", "", SuiteId.SMALL)
    suite = SuiteId.SMALL
    yield from _of_the_keys(down)
    yield from _of_the_bytes(down)
    yield from _of_the_header(down)
    stranger = SigningKey(secret_of("stranger signing"))
    yield replace(
        down,
        name="bad_sender_unknown",
        about="The receiver knows no such peer.",
        base="small_down",
        receiving=replace(down.receiving, senders={}),
    )
    yield replace(
        down,
        name="bad_sender_key",
        about="Signed by somebody else's key.",
        plaintext=pad(content_of(stranger, down.route_header, PING), suite, 0),
    )
    yield replace(
        down,
        name="bad_sender_other_header",
        about="A content that the sender signed for another header, sealed again under this one.",
        plaintext=pad(content_of(app_of(suite).signing, header_bytes(suite, PING, seq=40), PING), suite, 0),
    )
    content = content_of(app_of(suite).signing, down.route_header, PING)
    room = len(down.plaintext)
    yield replace(
        down, name="bad_padding_absent", about="Zeros without 0x80.", plaintext=content + bytes(room - len(content))
    )
    yield replace(
        down,
        name="bad_padding_not_zero",
        about="A byte behind 0x80 is not zero.",
        plaintext=down.plaintext[:-1] + b"\x01",
    )
    yield replace(
        down,
        name="bad_padding_length",
        about="The header says bucket 0 and sealed is one byte shorter.",
        plaintext=down.plaintext[:-1],
    )
    yield replace(
        down,
        name="bad_content",
        about="What was sealed is no SealedContent.",
        plaintext=pad(b"\xff" * 20, suite, 0),
    )


def _of_the_keys(down: Case) -> Iterator[Case]:
    """Make what is sealed to another key than the receiver's."""
    other = SealingKey(SuiteId.SMALL, secret_of("other sealing"))
    hybrid = hub_of(SuiteId.HYBRID).sealing[2]
    yield replace(
        down,
        name="bad_key_same_epoch",
        about="The receiver's key of this epoch is another: an AEAD cannot tell this from tampering.",
        base="small_down",
        receiving=replace(down.receiving, keys={2: other}),
    )
    yield replace(
        down,
        name="bad_key_epoch",
        about="The receiver has no key of this epoch.",
        base="small_down",
        receiving=replace(down.receiving, keys={1: other}),
    )
    yield replace(
        down,
        name="bad_key_suite",
        about="The receiver's key of this epoch is of another suite.",
        base="small_down",
        receiving=replace(down.receiving, keys={2: hybrid}),
    )


def _of_the_bytes(down: Case) -> Iterator[Case]:
    """Make what was changed on the way."""
    changes: list[tuple[str, str, Change]] = [
        ("bad_suite_unknown", "The suite byte is 0x7f.", _sealed(lambda s: b"\x7f" + s[1:])),
        ("bad_enc", "A bit of enc is changed.", _sealed(lambda s: _flip(s, 5))),
        ("bad_enc_zero", "enc is the zero point.", _sealed(lambda s: s[:1] + bytes(32) + s[33:])),
        ("bad_ciphertext", "A bit of the ciphertext is changed.", _sealed(lambda s: _flip(s, 60))),
        ("bad_tag", "A bit of the tag is changed.", _sealed(lambda s: _flip(s, len(s) - 1))),
        ("bad_truncated", "The last byte of sealed is cut.", _sealed(lambda s: s[:-1])),
        ("bad_too_short", "sealed is only suite, enc and tag.", _sealed(lambda s: s[:49])),
        ("bad_suite_alone", "sealed is the suite byte alone.", _sealed(lambda s: s[:1])),
        ("bad_sealed_empty", "sealed is empty.", _sealed(lambda _: b"")),
        ("bad_no_protobuf", "No Envelope.", lambda _: b"\xff\xff\xff"),
        ("bad_envelope_cut", "The Envelope is cut in the middle.", lambda e: e[:100]),
    ]
    for name, about, change in changes:
        yield replace(down, name=name, about=about, base="small_down", change=change)


def _of_the_header(down: Case) -> Iterator[Case]:
    """Make headers that are changed after sealing, or are for somebody else."""
    longer = pb.RouteHeader.FromString(down.route_header)
    longer.ttl_ms += 1
    yield replace(
        down,
        name="bad_header_changed",
        about="ttl_ms is changed after sealing.",
        base="small_down",
        change=_header(lambda _: encoded(longer)),
    )
    unknown = case("small_unknown_fields", "", SuiteId.SMALL, extra=UNKNOWN)
    yield replace(
        unknown,
        name="bad_header_unknown_dropped",
        about="Somebody parsed the header and wrote it again without the fields it did not know.",
        base="small_unknown_fields",
        change=_header(lambda _: down.route_header),
    )
    yield replace(
        down,
        name="bad_header_reordered",
        about="The header says the same in another order.",
        base="small_down",
        change=_header(lambda h: _reversed(pb.RouteHeader.FromString(h))),
    )
    for name, about, fields in (
        ("bad_header_version", "Version 2, signed and sealed as it should be.", {"version": 2}),
        ("bad_header_hub", "For another Hub, signed and sealed as it should be.", {"hub_id": OTHER_HUB_ID}),
        ("bad_header_direction", "An app's envelope that says it is the Hub's.", {"sender_kind": 2}),
    ):
        other = header_bytes(SuiteId.SMALL, PING, **fields)
        yield replace(resealed(down, route_header=other), name=name, about=about)


def _flip(value: bytes, at: int) -> bytes:
    """Flip the lowest bit of one byte."""
    return value[:at] + bytes([value[at] ^ 1]) + value[at + 1 :]


def _sealed(change: Change) -> Change:
    """Apply ``change`` to an Envelope's `sealed`."""

    def apply(envelope: bytes) -> bytes:
        parsed = pb.Envelope.FromString(envelope)
        return pb.Envelope(route_header=parsed.route_header, sealed=change(parsed.sealed)).SerializeToString()

    return apply


def _header(change: Change) -> Change:
    """Apply ``change`` to an Envelope's `route_header`."""

    def apply(envelope: bytes) -> bytes:
        parsed = pb.Envelope.FromString(envelope)
        return pb.Envelope(route_header=change(parsed.route_header), sealed=parsed.sealed).SerializeToString()

    return apply
