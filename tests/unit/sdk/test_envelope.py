"""Whole envelopes, in both directions and with every suite. What must not open is in proto/golden/envelope."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings
from ora.relay.v1 import envelope_pb2 as pb

from sdk.envelope import app_receiver, header_for_app, header_for_hub, hub_receiver, moment, open_envelope, seal
from sdk.errors import PaddingError, PayloadTooLargeError, SenderUnknownError, TamperedError, WrongHeaderError
from sdk.hpke import SuiteId
from sdk.keys import AppKeys, HubKeys, new_app_keys, new_hub_keys
from sdk.sealing import pad_bucket_for, seal_content, sealed_bytes

HUB_ID = bytes(range(16))
NOW_MS = 1_790_000_000_000
LARGEST = {SuiteId.SMALL: 65_000, SuiteId.HYBRID: 64_328}


def pair(suite: SuiteId) -> tuple[HubKeys, AppKeys]:
    return new_hub_keys(HUB_ID, suite), new_app_keys(suite)


def down(hub: HubKeys, app: AppKeys, payload: bytes) -> bytes:
    header = header_for_hub(app, hub.public(), moment(NOW_MS), pb.ENVELOPE_CLASS_TUNNEL)
    return seal(header, payload, receiver=hub.public().sealing_public, sender=app.signing)


@settings(max_examples=40, deadline=None)
@given(payload=st.binary(max_size=600), suite=st.sampled_from(SuiteId))
def test_what_is_sealed_opens_and_is_one_bucket_long(payload: bytes, suite: SuiteId) -> None:
    hub, app = pair(suite)
    encoded = down(hub, app, payload)
    opened = open_envelope(encoded, hub_receiver(hub, {app.public().peer_id: app.public()}))
    assert opened.payload == payload
    assert len(pb.Envelope.FromString(encoded).sealed) == sealed_bytes(opened.header.pad_bucket)


@pytest.mark.parametrize("suite", SuiteId)
def test_a_hub_answers_an_app(suite: SuiteId) -> None:
    hub, app = pair(suite)
    header = header_for_app(hub, app.public(), moment(NOW_MS), pb.ENVELOPE_CLASS_TUNNEL)
    encoded = seal(header, b"pong", receiver=app.sealing.public(), sender=hub.identity)
    opened = open_envelope(encoded, app_receiver(app, hub.public()))
    assert opened.payload == b"pong"
    assert opened.header.message_id[:6] == NOW_MS.to_bytes(6, "big")


@pytest.mark.parametrize("suite", SuiteId)
def test_the_largest_payload_fits_and_one_byte_more_does_not(suite: SuiteId) -> None:
    hub, app = pair(suite)
    assert len(pb.Envelope.FromString(down(hub, app, bytes(LARGEST[suite]))).sealed) == 65_536
    with pytest.raises(PayloadTooLargeError):
        down(hub, app, bytes(LARGEST[suite] + 1))


@pytest.mark.parametrize("suite", SuiteId)
def test_every_payload_length_gets_the_smallest_bucket(suite: SuiteId) -> None:
    for length in range(5_000):
        bucket = pad_bucket_for(suite, length)
        needed = suite.overhead_bytes + (1 + (1 if length < 128 else 2) + length if length else 0) + 66 + 1
        assert needed <= sealed_bytes(bucket)
        assert bucket == 0 or needed > sealed_bytes(bucket - 1)


def test_a_content_that_does_not_fit_its_bucket_is_refused() -> None:
    hub, _ = pair(SuiteId.SMALL)
    with pytest.raises(PaddingError):
        seal_content(hub.public().sealing_public, route_header=b"h", content=bytes(207), pad_bucket=0)
    with pytest.raises(PaddingError):
        seal_content(hub.public().sealing_public, route_header=b"h", content=b"", pad_bucket=9)


def test_an_older_key_epoch_still_opens() -> None:
    hub, app = pair(SuiteId.HYBRID)
    encoded = down(hub, app, b"before the rotation")
    hub.sealing[2] = new_hub_keys(HUB_ID).sealing[1]
    assert hub.public().key_epoch == 2
    opened = open_envelope(encoded, hub_receiver(hub, {app.public().peer_id: app.public()}))
    assert opened.payload == b"before the rotation"


def test_an_envelope_for_one_hub_does_not_open_at_another() -> None:
    hub, app = pair(SuiteId.SMALL)
    other = new_hub_keys(bytes(16), SuiteId.SMALL)
    with pytest.raises(WrongHeaderError):
        open_envelope(down(hub, app, b"x"), hub_receiver(other, {app.public().peer_id: app.public()}))


def test_a_stranger_is_refused_before_anything_is_opened() -> None:
    hub, app = pair(SuiteId.SMALL)
    with pytest.raises(SenderUnknownError):
        open_envelope(down(hub, app, b"x"), hub_receiver(hub, {}))


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_no_flipped_bit_of_sealed_opens(data: st.DataObject) -> None:
    hub, app = pair(SuiteId.SMALL)
    envelope = pb.Envelope.FromString(down(hub, app, b"x"))
    at = data.draw(st.integers(8, len(envelope.sealed) * 8 - 1))  # the first byte is the suite: other errors
    changed = bytearray(envelope.sealed)
    changed[at // 8] ^= 1 << at % 8
    envelope.sealed = bytes(changed)
    with pytest.raises(TamperedError):
        open_envelope(envelope.SerializeToString(), hub_receiver(hub, {app.public().peer_id: app.public()}))


def test_no_secret_is_in_a_repr() -> None:
    hub, app = pair(SuiteId.HYBRID)
    text = f"{hub!r} {app!r} {hub} {app}"
    for secret in (hub.identity.seed, hub.owner.seed, hub.sealing[1].raw, app.signing.seed, app.sealing.raw):
        assert secret.hex() not in text
        assert repr(secret)[2:-1] not in text
