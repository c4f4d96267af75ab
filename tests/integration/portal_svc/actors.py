"""Who takes part: people with tokens, a Hub with its identity key, and an AccessKey with its secret half."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from ora.portal.v1.access_key_pb2 import HPKE_SUITE_X25519, AccessKeyMaterial
from ora.portal.v1.access_key_service_pb2 import ClaimAccessKeyRequest
from ora.portal.v1.handover_records_pb2 import AccessKeyClaimStatement, HandoverReceiptStatement
from ora.portal.v1.hub_binding_statement_pb2 import HubBindingAction, HubBindingStatement

from mesh.ids import HubId
from mesh.signing import sign
from portal_svc.domain.ids import subject_digest
from tests.integration.mesh.people import HOME, ISSUER, Idp, without_none
from tests.integration.mesh.people import sign as sign_token

if TYPE_CHECKING:
    from ora.common.v1.signed_record_pb2 import SignedRecord


@dataclass
class Person:
    """Somebody with tokens."""

    idp: Idp
    name: str
    roles: tuple[str, ...]
    org: str | None = None
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    @property
    def issuer(self) -> str:
        return (ISSUER if self.org else HOME).issuer

    @property
    def digest(self) -> bytes:
        return subject_digest(self.issuer, self.name)

    def bearer(self, *intents: dict[str, Any], age: int = 5, acr: str = "urn:voltex:acr:otp") -> list[tuple[str, str]]:
        """Return the metadata of a call with a fresh token."""
        at = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": ISSUER.audience,
            "sub": self.name,
            "exp": at + 600,
            "nbf": at - 1,
            "iat": at,
            "jti": str(uuid4()),
            "role": list(self.roles),
            "org": self.org,
            "acr": acr,
            "auth_time": at - age,
            "authorization_details": list(intents) or None,
        }
        head = {"alg": "ES256", "typ": "at+jwt", "kid": "k1"}
        token = sign_token(head, json.dumps(without_none(claims)).encode(), self.idp.key)
        return [("authorization", f"Bearer {token}")]

    def step_up(self, intent: str, resource: str, generation: int | None = None) -> list[tuple[str, str]]:
        """Return the metadata of a call with a login that was made for it."""
        details: dict[str, Any] = {"type": intent, "resource": resource}
        return self.bearer({**details, "generation": generation} if generation else details)

    def claim(self, access_key: AccessKeyActor, nonce: bytes, generation: int, **changes: Any) -> ClaimAccessKeyRequest:
        """Return a claim, changed as asked."""
        values: dict[str, Any] = {
            "locator": access_key.locator,
            "generation": generation,
            "nonce": nonce,
            "subject_digest": self.digest,
            "claimant_public_key": self.key.public_key().public_bytes_raw(),
            **changes,
        }
        statement = AccessKeyClaimStatement(**values)
        record = sign(access_key.auth, b"ora access key claim v1", statement)
        own = self.key.sign(b"ora access key claimant v1\x00" + record.statement)
        return ClaimAccessKeyRequest(claim=record, claimant_signature=own, request_id=str(uuid4()))


@dataclass
class AccessKeyActor:
    """The secret half of an AccessKey, as the installer's app has it."""

    locator: int
    auth: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    @property
    def material(self) -> AccessKeyMaterial:
        return AccessKeyMaterial(
            locator=self.locator,
            auth_public_key=self.auth.public_key().public_bytes_raw(),
            suite=HPKE_SUITE_X25519,
            wrap_public_key=bytes(32),
        )


@dataclass
class Hub:
    """A Hub, as far as the portal sees one."""

    id: HubId = field(default_factory=lambda: HubId(uuid4()))
    identity: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    @property
    def name(self) -> str:
        return f"hubs/{self.id}"

    @property
    def public_key(self) -> bytes:
        return self.identity.public_key().public_bytes_raw()

    @property
    def metadata(self) -> list[tuple[str, str]]:
        return [("x-forwarded-client-cert", f"URI=urn:uuid:{self.id}")]

    def binding(self, project: UUID, nonce: bytes, action: HubBindingAction.ValueType) -> SignedRecord:
        statement = HubBindingStatement(
            hub_id=self.id.bytes, project_id=project.bytes, nonce=nonce, action=action, owner_epoch=1
        )
        return sign(self.identity, b"ora hub binding v1", statement)

    def receipt(
        self, project: UUID, lock_epoch: int, generation: int, claim: bytes, key: bytes, **changes: Any
    ) -> SignedRecord:
        values: dict[str, Any] = {
            "hub_id": self.id.bytes,
            "project_id": project.bytes,
            "lock_epoch": lock_epoch,
            "generation": generation,
            "claimant_public_key": key,
            "claim_digest": hashlib.sha256(claim).digest(),
            "owner_epoch": 2,
            "owner_public_key": Ed25519PrivateKey.generate().public_key().public_bytes_raw(),
            "receipt_id": uuid4().bytes,
            **changes,
        }
        return sign(self.identity, b"ora handover receipt v1", HandoverReceiptStatement(**values))
