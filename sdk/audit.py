"""Owns checking the portal's audit from what it hands out, without trusting it. It knows no transport.

An entry's digest is SHA-256 of `ora audit v1` ‖ 0x00 ‖ the digest before ‖ SHA-256(record). A checkpoint is a signed
digest. Whoever keeps an old checkpoint finds out if the chain before it is told otherwise later.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Final

from google.protobuf.message import DecodeError
from ora.portal.v1.audit_entry_pb2 import AuditCheckpointStatement, AuditRecord

from sdk.errors import ChainError
from sdk.statements import Context

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ora.portal.v1.audit_entry_pb2 import AuditCheckpoint, AuditEntry, AuditProof

    from sdk.portal_keys import PortalKeys

NOTHING: Final = bytes(32)
_PROJECT: Final = re.compile(r"projects/[0-9a-f-]{36}", re.ASCII)


def link(previous: bytes, record_digest: bytes) -> bytes:
    """Return the digest of an entry."""
    return hashlib.sha256(b"ora audit v1\x00" + previous + record_digest).digest()


def verify_chain(
    entries: Sequence[AuditEntry], checkpoints: Iterable[AuditCheckpoint], keys: PortalKeys, *, tenant: bytes
) -> list[AuditRecord]:
    """Check a whole chain, oldest entry first, against its checkpoints; return what it says.

    Raises:
        ChainError: an entry was changed, removed, added or moved, is another tenant's, or a checkpoint fixes another.
        RecordSignatureError: a checkpoint is not the portal's.
    """
    records, previous, at_ms = [], NOTHING, 0
    for place, entry in enumerate(entries, start=1):
        record = _record(entry)
        if entry.previous_digest != previous or entry.digest != link(previous, _sha256(entry.record)):
            raise ChainError(f"entry {place} does not join the one before")
        if record.sequence != place or record.tenant_id != tenant or record.created_ms < at_ms:
            raise ChainError(f"entry {place} says that it is another")
        records.append(record)
        previous, at_ms = entry.digest, record.created_ms
    for checkpoint in checkpoints:
        said = open_checkpoint(checkpoint, keys, tenant=tenant)
        if not 0 < said.sequence <= len(entries) or entries[said.sequence - 1].digest != said.digest:
            raise ChainError(f"the checkpoint at {said.sequence} is of another chain")
    return records


def open_checkpoint(checkpoint: AuditCheckpoint, keys: PortalKeys, *, tenant: bytes) -> AuditCheckpointStatement:
    """Check a checkpoint; return what it says."""
    said = keys.open(checkpoint.record, Context.AUDIT_CHECKPOINT, AuditCheckpointStatement)
    keys.require_in_force(checkpoint.record, said.created_ms)
    if said.tenant_id != tenant:
        raise ChainError("the checkpoint is another tenant's")
    return said


def verify_proof(proof: AuditProof, keys: PortalKeys, *, tenant: bytes) -> AuditRecord:
    """Check that an entry is in the chain that a checkpoint fixes; return what it says.

    Raises:
        ChainError: it is not.
        RecordSignatureError: the checkpoint is not the portal's.
    """
    entry, record = proof.entry, _record(proof.entry)
    said = open_checkpoint(proof.checkpoint, keys, tenant=tenant)
    digest = link(entry.previous_digest, _sha256(entry.record))
    if digest != entry.digest or record.tenant_id != tenant:
        raise ChainError("the entry is not what its digest says")
    for each in proof.record_digests:
        digest = link(digest, each)
    if digest != said.digest or record.sequence + len(proof.record_digests) != said.sequence:
        raise ChainError("the entry does not lead to the checkpoint")
    return record


def touched(records: Iterable[AuditRecord], actor: bytes, *, from_ms: int = 0) -> dict[str, list[AuditRecord]]:
    """Return what an actor, or a login by its token digest, did, by project: what is to be told after a breach."""
    found: dict[str, list[AuditRecord]] = {}
    for record in records:
        tokens = {each.token_digest for each in record.step_ups}
        if record.created_ms >= from_ms and (record.actor_digest == actor or actor in tokens):
            project = _PROJECT.match(record.resource)
            found.setdefault(project[0] if project else "", []).append(record)
    return found


def api_token_digest(token_id: str) -> bytes:
    """Return what stands for an organisation's API token in the audit."""
    return hashlib.sha256(b"ora api token v1\x00" + token_id.encode()).digest()


def person_digest(issuer: str, subject: str) -> bytes:
    """Return what stands for a person in the audit."""
    return hashlib.sha256(b"ora subject v1\x00" + issuer.encode() + b"\x00" + subject.encode()).digest()


def _sha256(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def _record(entry: AuditEntry) -> AuditRecord:
    try:
        return AuditRecord.FromString(entry.record)
    except DecodeError:
        raise ChainError("an entry holds no record") from None
