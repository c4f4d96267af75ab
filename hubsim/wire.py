"""Owns the messages of a Hub, by betterproto2: reading what comes, writing what goes. It seals nothing.

betterproto2 is lenient: it takes a field of another wire type and stops quietly at garbage. So everything that is read
is checked here, as firmware does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hubsim.wire_gen.ora.backup.v1 import BackupAction, BackupActionStatement
from hubsim.wire_gen.ora.common.v1 import Capability, SignedRecord
from hubsim.wire_gen.ora.fleet.v1 import ConsentStatement, OwnerKeyStatement, Peer, PeerListStatement
from hubsim.wire_gen.ora.ingest.v1 import SupportGrantStatement, TelemetryBatch, TelemetrySample
from hubsim.wire_gen.ora.relay.v1 import Envelope, EnvelopeClass, RouteHeader, SealedContent, SenderKind
from sdk.errors import MalformedError, WrongHeaderError
from sdk.sealing import SIGNATURE_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sdk.statements import Signature

ID_BYTES: Final = 16
HEADER_VERSION: Final = 1
MAX_HEADER_BYTES: Final = 512
MAX_SEALED_BYTES: Final = 65_536
UNREADABLE: Final = (ArithmeticError, AttributeError, EOFError, LookupError, TypeError, ValueError)
"""What betterproto2 raises at bytes that are no message."""

__all__ = [
    "Arrived",
    "Capability",
    "EnvelopeClass",
    "Peer",
    "TelemetrySample",
    "read_content",
    "read_envelope",
    "write_backup_delete",
    "write_consent",
    "write_content",
    "write_envelope",
    "write_header",
    "write_owner_key",
    "write_peer_list",
    "write_record",
    "write_report",
    "write_support_grant",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """An envelope for this Hub, not opened yet."""

    route_header: bytes
    """As it came: the AAD."""
    sealed: bytes
    message_id: bytes
    peer_id: bytes
    kind: int
    """The envelope's class."""
    created_ms: int
    ttl_ms: int
    key_epoch: int
    pad_bucket: int


def read_envelope(encoded: bytes, hub_id: bytes) -> Arrived:
    """Read an envelope that an app sent down to this Hub.

    Raises:
        MalformedError: no Envelope or no RouteHeader, or out of bounds.
        WrongHeaderError: another version, Hub or direction.
    """
    try:
        envelope = Envelope.parse(encoded)
        header = RouteHeader.parse(envelope.route_header)
    except UNREADABLE:
        raise MalformedError("no Envelope, or no RouteHeader in it") from None
    if not _is_bytes(envelope.sealed, 1, MAX_SEALED_BYTES) or not _is_bytes(envelope.route_header, 1, MAX_HEADER_BYTES):
        raise MalformedError("the envelope is out of bounds")
    if header.version != HEADER_VERSION:
        raise WrongHeaderError("this version is not served")
    if header.hub_id != hub_id or header.sender_kind != SenderKind.APP:
        raise WrongHeaderError("the header is not from an app to this Hub")
    if not (_is_bytes(header.message_id, ID_BYTES, ID_BYTES) and _is_bytes(header.peer_id, ID_BYTES, ID_BYTES)):
        raise MalformedError("an id is not 16 bytes long")
    numbers = (header.class_, header.created_ms, header.ttl_ms, header.key_epoch, header.pad_bucket)
    if not all(isinstance(number, int) for number in numbers):
        raise MalformedError("a field has another wire type")  # nanopb refuses it; upb takes it for an unknown field
    return Arrived(
        route_header=envelope.route_header,
        sealed=envelope.sealed,
        message_id=header.message_id,
        peer_id=header.peer_id,
        kind=int(header.class_),
        created_ms=header.created_ms,
        ttl_ms=header.ttl_ms,
        key_epoch=header.key_epoch,
        pad_bucket=header.pad_bucket,
    )


def _is_bytes(value: object, least: int, most: int) -> bool:
    return isinstance(value, bytes) and least <= len(value) <= most


def write_header(  # noqa: PLR0913 - the fields of a header
    *,
    hub_id: bytes,
    peer_id: bytes,
    message_id: bytes,
    kind: int,
    created_ms: int,
    ttl_ms: int,
    key_epoch: int,
    pad_bucket: int,
    seq: int,
) -> bytes:
    """Encode the header of an envelope up to an app."""
    return bytes(
        RouteHeader(
            version=HEADER_VERSION,
            hub_id=hub_id,
            message_id=message_id,
            sender_kind=SenderKind.HUB,
            peer_id=peer_id,
            class_=EnvelopeClass(kind),
            created_ms=created_ms,
            ttl_ms=ttl_ms,
            key_epoch=key_epoch,
            seq=seq,
            pad_bucket=pad_bucket,
        )
    )


def write_envelope(route_header: bytes, sealed: bytes) -> bytes:
    """Encode an Envelope: the payload of a PUBLISH."""
    return bytes(Envelope(route_header=route_header, sealed=sealed))


def write_content(payload: bytes, signature: bytes) -> bytes:
    """Encode a SealedContent."""
    return bytes(SealedContent(payload=payload, signature=signature))


def read_content(encoded: bytes) -> tuple[bytes, bytes]:
    """Read a SealedContent; return payload and signature.

    Raises:
        MalformedError: it is none.
    """
    try:
        content = SealedContent.parse(encoded)
    except UNREADABLE:
        raise MalformedError("what was sealed is no SealedContent") from None
    if not isinstance(content.payload, bytes) or not _is_bytes(content.signature, SIGNATURE_BYTES, SIGNATURE_BYTES):
        raise MalformedError("what was sealed is no SealedContent")
    return content.payload, content.signature


def write_owner_key(hub_id: bytes, owner_epoch: int, owner_public_key: bytes) -> bytes:
    """Encode an OwnerKeyStatement."""
    return bytes(OwnerKeyStatement(hub_id=hub_id, owner_epoch=owner_epoch, owner_public_key=owner_public_key))


def write_consent(hub_id: bytes, owner_epoch: int, sequence: int, capabilities: Iterable[Capability]) -> bytes:
    """Encode a ConsentStatement."""
    listed = sorted(set(capabilities))
    return bytes(ConsentStatement(hub_id=hub_id, owner_epoch=owner_epoch, sequence=sequence, capabilities=listed))


def write_peer_list(hub_id: bytes, owner_epoch: int, sequence: int, peers: Iterable[Peer]) -> bytes:
    """Encode a PeerListStatement."""
    return bytes(PeerListStatement(hub_id=hub_id, owner_epoch=owner_epoch, sequence=sequence, peers=list(peers)))


def write_support_grant(hub_id: bytes, owner_epoch: int, grant_id: bytes, not_after_seconds: int) -> bytes:
    """Encode a SupportGrantStatement."""
    return bytes(
        SupportGrantStatement(
            hub_id=hub_id, owner_epoch=owner_epoch, grant_id=grant_id, not_after_seconds=not_after_seconds
        )
    )


def write_backup_delete(locator: bytes, generation: int, not_after_seconds: int) -> bytes:
    """Encode a BackupActionStatement that deletes every generation up to this one."""
    return bytes(
        BackupActionStatement(
            action=BackupAction.DELETE, locator=locator, generation=generation, not_after_seconds=not_after_seconds
        )
    )


def write_report(samples: Iterable[TelemetrySample]) -> bytes:
    """Encode a TelemetryBatch: the payload of a PUBLISH, and of a POST."""
    return bytes(TelemetryBatch(samples=list(samples)))


def write_record(statement: bytes, made: Signature) -> bytes:
    """Encode a SignedRecord."""
    return bytes(SignedRecord(statement=statement, signature=made.signature, key_id=made.key_id))
