"""Owns the vectors of signed records: statements, their signatures, and what must not verify."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from google.protobuf.json_format import MessageToDict
from ora.common.v1 import signed_record_pb2 as record_pb
from ora.common.v1.capability_pb2 import CAPABILITY_RELAY, CAPABILITY_TELEMETRY
from ora.fleet.v1 import hub_records_pb2 as pb

from sdk.errors import SealError
from sdk.golden.files import Facts, Vector
from sdk.golden.messages import class_of, most, snake
from sdk.golden.testkeys import HUB_ID, app_of, hub_of, secret_of
from sdk.golden.wire import bytes_field, varint_field
from sdk.hpke import SuiteId
from sdk.keys import SigningKey
from sdk.records import consent_record, open_record, owner_key_record, peer_list_record, sign_record
from sdk.statements import Context, signed_message, subject_digest
from sdk.surface import SURFACE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.message import Message

FOLDER: Final = "record"
STATEMENTS: Final[dict[Context, type[Message]]] = {
    spoken.context: class_of(spoken.name) for spoken in SURFACE if spoken.context is not None
}
_OWN: Final = (Context.OWNER_KEY, Context.CONSENT, Context.PEER_LIST)
ISSUER: Final = "https://id.ora.test"
SUBJECT: Final = "user-ü-1"


def cases() -> Iterator[tuple[str, str, Context, bytes]]:
    """Make every record: name, about, context, encoded SignedRecord."""
    hub = hub_of(SuiteId.HYBRID)
    on = [CAPABILITY_RELAY, CAPABILITY_TELEMETRY]
    consent = consent_record(hub, sequence=7, capabilities=on)
    statement = record_pb.SignedRecord.FromString(consent).statement
    peers = [
        pb.Peer(peer_id=app_of(SuiteId.SMALL).public().peer_id, subject_digest=subject_digest(HUB_ID, ISSUER, SUBJECT)),
        pb.Peer(
            peer_id=app_of(SuiteId.SMALL, "second app").public().peer_id,
            subject_digest=subject_digest(HUB_ID, ISSUER, "user-2"),
            not_after_seconds=1_900_000_000,
        ),
    ]
    yield "owner_key", "The owner key of epoch 3.", Context.OWNER_KEY, owner_key_record(hub)
    yield "consent_on", "RELAY and TELEMETRY on.", Context.CONSENT, consent
    yield "consent_off", "Everything off.", Context.CONSENT, consent_record(hub, sequence=8, capabilities=[])
    yield (
        "consent_later_version",
        "A capability 99 and a field 64 that this version does not know: covered by the signature.",
        Context.CONSENT,
        sign_record(hub.owner, Context.CONSENT, statement + varint_field(4, 99) + bytes_field(64, b"later")),
    )
    yield "peer_list", "Two peers, one for a time.", Context.PEER_LIST, peer_list_record(hub, sequence=4, peers=peers)
    yield "peer_list_empty", "Nobody.", Context.PEER_LIST, peer_list_record(hub, sequence=5, peers=[])
    yield (
        "bad_context",
        "A consent signed as a peer list.",
        Context.CONSENT,
        sign_record(hub.owner, Context.PEER_LIST, statement),
    )
    yield (
        "bad_key",
        "A consent signed by the device identity key.",
        Context.CONSENT,
        sign_record(hub.identity, Context.CONSENT, statement),
    )
    yield "bad_statement", "A bit of the statement is changed.", Context.CONSENT, _changed(consent, statement=True)
    yield "bad_signature", "A bit of the signature is changed.", Context.CONSENT, _changed(consent, statement=False)
    yield "truncated", "The record is cut.", Context.CONSENT, consent[:-3]
    for spoken in SURFACE:
        if spoken.context is not None and spoken.context not in _OWN:
            encoded = most(spoken.name).SerializeToString(deterministic=True)
            record = sign_record(signer_of(spoken.context), spoken.context, encoded)
            yield snake(spoken.name).removesuffix("_statement"), "Every field at its greatest.", spoken.context, record


def signer_of(context: Context) -> SigningKey:
    """Return the test key that signs statements of a context."""
    hub = hub_of(SuiteId.HYBRID)
    if context is Context.OWNER_KEY:
        return hub.identity
    return hub.owner if context in _OWN else SigningKey(secret_of(f"signer of {context.value.decode()}"))


def _changed(encoded: bytes, *, statement: bool) -> bytes:
    """Flip the lowest bit of the last byte of one field."""
    record = record_pb.SignedRecord.FromString(encoded)
    if statement:
        record.statement = record.statement[:-1] + bytes([record.statement[-1] ^ 1])
    else:
        record.signature = record.signature[:-1] + bytes([record.signature[-1] ^ 1])
    return record.SerializeToString(deterministic=True)


def vectors() -> list[Vector]:
    """Make every vector of this folder."""
    return [
        Vector(folder=FOLDER, name=name, about=about, binary=binary, facts=_facts(context, binary))
        for name, about, context, binary in cases()
    ]


def _facts(context: Context, binary: bytes) -> Facts:
    """Say who should have signed, what the record says, and whether it verifies."""
    signer = signer_of(context)
    facts: Facts = {
        "context": context.value.decode(),
        "statement_message": STATEMENTS[context].DESCRIPTOR.full_name,
        "test_private_key": signer.seed.hex(),
        "public_key": signer.public().hex(),
    }
    try:
        statement = open_record(binary, signer.public(), context)
    except SealError as error:
        return facts | {"expect": error.reason}
    record = record_pb.SignedRecord.FromString(binary)
    return facts | {
        "expect": "VERIFIES",
        "statement": statement.hex(),
        "statement_fields": MessageToDict(STATEMENTS[context].FromString(statement), preserving_proto_field_name=True),
        "signed_message": signed_message(context, statement).hex(),
        "signature": record.signature.hex(),
        "key_id": record.key_id.hex(),
    }
