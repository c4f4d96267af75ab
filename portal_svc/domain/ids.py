"""Owns the kinds of identifiers, and those that are derived: a person's digest, and the tenant that is theirs alone."""

from __future__ import annotations

import hashlib
from typing import Final, NewType
from uuid import UUID

from mesh.ids import TenantId

ProjectId = NewType("ProjectId", UUID)
MemberId = NewType("MemberId", UUID)
AccountId = NewType("AccountId", UUID)
LicenseId = NewType("LicenseId", UUID)
AccessKeyId = NewType("AccessKeyId", UUID)
ChecklistItemId = NewType("ChecklistItemId", UUID)

# Ora's own tenant, of kind PLATFORM.
PLATFORM: Final = TenantId(UUID("00000000-0000-8000-8000-000000000000"))


def subject_digest(issuer: str, subject: str) -> bytes:
    """Return what stands for a person in records that are kept for ever."""
    return hashlib.sha256(b"ora subject v1\x00" + issuer.encode() + b"\x00" + subject.encode()).digest()


def personal_tenant(digest: bytes) -> TenantId:
    """Return the tenant of one person's own rows: a UUID of version 8, made of the digest."""
    raw = bytearray(hashlib.sha256(b"ora personal tenant v1\x00" + digest).digest()[:16])
    raw[6] = raw[6] & 0x0F | 0x80
    raw[8] = raw[8] & 0x3F | 0x80
    return TenantId(UUID(bytes=bytes(raw)))
