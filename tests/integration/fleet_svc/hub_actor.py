"""A Hub, as far as fleet_svc sees one: its keys and the records it signs."""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from ora.common.v1.signed_record_pb2 import SignedRecord
from ora.fleet.v1.hub_records_pb2 import ConsentStatement, OwnerKeyStatement, Peer, PeerListStatement

if TYPE_CHECKING:
    from ora.common.v1.capability_pb2 import Capability


def sign(key: Ed25519PrivateKey, context: bytes, statement: bytes) -> SignedRecord:
    """Return the record as firmware makes it."""
    return SignedRecord(
        statement=statement,
        signature=key.sign(context + b"\x00" + statement),
        key_id=hashlib.sha256(key.public_key().public_bytes_raw()).digest()[:8],
    )


def a_peer(*, not_after_seconds: int = 0) -> Peer:
    return Peer(
        peer_id=secrets.token_bytes(16),
        subject_digest=secrets.token_bytes(32),
        not_after_seconds=not_after_seconds,
    )


class HubActor:
    """One Hub and its owner."""

    def __init__(self, hub_id: UUID | None = None) -> None:
        self.id = hub_id or uuid4()
        self.identity = Ed25519PrivateKey.generate()
        self.owner = Ed25519PrivateKey.generate()
        self.epoch = 0

    @property
    def name(self) -> str:
        return f"hubs/{self.id}"

    @property
    def identity_public_key(self) -> bytes:
        return self.identity.public_key().public_bytes_raw()

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """What the gateway says of the Hub's certificate."""
        return (("x-forwarded-client-cert", f"URI=urn:uuid:{self.id}"),)

    def new_owner(self) -> SignedRecord:
        """Reset to factory: a new owner key in a new epoch."""
        self.owner = Ed25519PrivateKey.generate()
        self.epoch += 1
        return self.owner_key(self.epoch)

    def owner_key(self, epoch: int, *, about: UUID | None = None) -> SignedRecord:
        statement = OwnerKeyStatement(
            hub_id=(about or self.id).bytes,
            owner_epoch=epoch,
            owner_public_key=self.owner.public_key().public_bytes_raw(),
        )
        return sign(self.identity, b"ora owner key v1", statement.SerializeToString())

    def consent(self, sequence: int, *on: Capability.ValueType, epoch: int | None = None) -> SignedRecord:
        statement = ConsentStatement(
            hub_id=self.id.bytes,
            owner_epoch=self.epoch if epoch is None else epoch,
            sequence=sequence,
            capabilities=on,
        )
        return sign(self.owner, b"ora consent v1", statement.SerializeToString())

    def peers(self, sequence: int, *peers: Peer) -> SignedRecord:
        statement = PeerListStatement(hub_id=self.id.bytes, owner_epoch=self.epoch, sequence=sequence, peers=peers)
        return sign(self.owner, b"ora peer list v1", statement.SerializeToString())
