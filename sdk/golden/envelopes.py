"""Owns the envelope vectors: carries the recipes out, and keeps what was sealed before, since HPKE is randomised."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from google.protobuf.message import DecodeError
from ora.relay.v1 import envelope_pb2 as pb

from sdk.envelope import Receiver, open_envelope
from sdk.errors import SealError
from sdk.golden.cases import OPENS, Case, Receiving, negative, positive
from sdk.golden.files import Facts, Vector
from sdk.golden.headers import encodes_to_same, fields_of, relay_answer
from sdk.golden.transcript import transcribe
from sdk.hpke import SealingKey, SuiteId, hpke_open, hpke_seal
from sdk.sealing import INFO, sender_message

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER: Final = "envelope"
LONGEST_HEX_BYTES: Final = 2048


def vectors(committed: Mapping[str, bytes]) -> list[Vector]:
    """Make every vector of this folder. ``committed`` holds the Envelopes of before, by name."""
    sealed: dict[str, bytes] = {}
    made = []
    for case in [*positive(), *negative()]:
        if case.base is None:
            sealed[case.name] = _seal(case, committed.get(case.name, b""))
        envelope = sealed[case.base or case.name]
        binary = case.change(envelope) if case.change else envelope
        made.append(
            Vector(
                folder=FOLDER,
                name=case.name,
                about=case.about,
                binary=binary,
                facts=_facts(case, binary),
                attachments={"payload.bin": case.payload} if case.name.startswith(("small", "hybrid")) else {},
            )
        )
    return made


def receiver_of(receiving: Receiving) -> Receiver:
    """Return the receiver that the SDK takes."""
    return Receiver(
        hub_id=receiving.hub_id,
        sender_kind=receiving.sender_kind,
        keys=receiving.keys,
        sender_public=receiving.senders.get,
    )


def _seal(case: Case, committed: bytes) -> bytes:
    """Seal a case, or keep the committed Envelope if it is this recipe's."""
    if _is_of(case, committed):
        return committed
    body = hpke_seal(case.sealed_to, info=INFO, aad=case.route_header, plaintext=case.plaintext)
    sealed = bytes([case.sealed_to.suite]) + body
    return pb.Envelope(route_header=case.route_header, sealed=sealed).SerializeToString(deterministic=True)


def _is_of(case: Case, committed: bytes) -> bool:
    """Tell whether a committed Envelope holds exactly this recipe's header and plaintext, sealed to its key."""
    try:
        envelope = pb.Envelope.FromString(committed)
    except DecodeError:
        return False
    key = _private(case)
    if envelope.route_header != case.route_header or envelope.sealed[:1] != bytes([key.suite]):
        return False
    try:
        opened = hpke_open(key, info=INFO, aad=case.route_header, enc_and_ciphertext=envelope.sealed[1:])
    except SealError:
        return False
    return opened == case.plaintext


def _private(case: Case) -> SealingKey:
    """Return the receiver's key that the case is sealed to."""
    return next(key for key in case.receiving.keys.values() if key.public() == case.sealed_to)


def _facts(case: Case, binary: bytes) -> Facts:
    """Say who receives, what it means, each step of opening, and how it ends."""
    receiving = case.receiving
    facts: Facts = {
        "expect": OPENS,
        "relay": _relay(binary),
        "receiver": {
            "hub_id": receiving.hub_id.hex(),
            "sender_kind": receiving.sender_kind,
            "keys": [
                {
                    "key_epoch": epoch,
                    "suite": int(key.suite),
                    "test_private_key": key.raw.hex(),
                    "public_key": key.public().raw.hex(),
                }
                for epoch, key in receiving.keys.items()
            ],
            "senders": [
                {"peer_id": peer.hex(), "signing_public_key": public.hex()}
                for peer, public in receiving.senders.items()
            ],
        },
    }
    try:
        opened = open_envelope(binary, receiver_of(receiving))
    except SealError as error:
        return facts | {"expect": error.reason}
    envelope = pb.Envelope.FromString(binary)
    steps = transcribe(_private(case), info=INFO, aad=envelope.route_header, enc_and_ciphertext=envelope.sealed[1:])
    short = len(opened.payload) <= LONGEST_HEX_BYTES
    return facts | {
        "fields": fields_of(opened.header),
        "route_header": envelope.route_header.hex(),
        "encodes_to_same": encodes_to_same(envelope, binary),
        "sealed_bytes": len(envelope.sealed),
        "suite": SuiteId(envelope.sealed[0]).value,
        "info": INFO.hex(),
        "steps": steps.hex(LONGEST_HEX_BYTES),
        "signed_message_sha256": hashlib.sha256(sender_message(envelope.route_header, opened.payload)).hexdigest(),
        "payload_bytes": len(opened.payload),
        **({"payload": opened.payload.hex()} if short else {}),
    }


def _relay(binary: bytes) -> str:
    """Return the relay's answer; it looks at the header alone."""
    try:
        envelope = pb.Envelope.FromString(binary)
    except DecodeError:
        return "HEADER_INVALID"
    return relay_answer(envelope.route_header) if envelope.sealed else "HEADER_INVALID"
