"""Owns a handover as the two mobile apps do it: REST alone, tokens of their own providers, keys by the SDK.

Each step is one method and leaves what it learnt in the object, so that tests and the demo tell the same story. What a
Hub does, ``hubsim.handover`` does on the local network.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from google.protobuf.json_format import MessageToDict, ParseDict
from ora.common.v1.signed_record_pb2 import SignedRecord
from ora.portal.v1.audit_entry_pb2 import AuditProof
from ora.portal.v1.custody_service_pb2 import ReleaseCustodyResponse
from ora.portal.v1.erasure_receipt_pb2 import ErasureReceipt
from ora.portal.v1.handover_pb2 import Handover
from ora.portal.v1.signing_key_service_pb2 import ListSigningKeysResponse

from devstack.dev.firmware import Handing
from devstack.dev.phone import AnswerError, Phone
from devstack.state import Running
from hubsim.handover import to_json
from sdk import access_key, custody, portal_keys
from sdk.audit import verify_proof
from sdk.custody import ProjectKey
from sdk.keys import SigningKey, key_id
from sdk.plans import open_plan, seal_plan

if TYPE_CHECKING:
    from google.protobuf.message import Message
    from ora.portal.v1.audit_entry_pb2 import AuditRecord

    from sdk.portal_keys import PortalKeys

_TAKEN: Final = 409


@dataclass(slots=True, kw_only=True)
class Story:
    """One home on its way from an electrician to its owner."""

    stack: Running
    installer: Phone
    owner: Phone
    hub_id: str
    hub: Handing
    # What identifies the home and its people in the story, to be looked for when it is over.
    marker: str = field(default_factory=lambda: f"marker{uuid.uuid4().hex[:12]}")
    organization: str = ""
    project: str = ""
    project_key: ProjectKey = field(default_factory=custody.new_project_key)
    key: access_key.AccessKey = field(default_factory=access_key.new_access_key)
    handover: Handover = field(default_factory=Handover)
    by_claimant: bytes = b""
    plan: str = ""

    @property
    def owner_key(self) -> SigningKey:
        """The owner's account key: the portal knows one a person, so a persona has one on each machine."""
        return SigningKey(hashlib.sha256(b"ora development account key\0" + self.owner.who.name.encode()).digest())

    @property
    def _id(self) -> bytes:
        return uuid.UUID(self.project.split("/")[1]).bytes

    @property
    def place(self) -> custody.Place:
        """What the Project Key is sealed for."""
        return custody.Place(
            organization=uuid.UUID(self.organization.split("/")[1]).bytes,
            project=self._id,
            generation=1,
            lock_epoch=1,
        )

    async def keys(self) -> PortalKeys:
        """Fetch the portal's keys, and believe those that the root signed."""
        listed = ParseDict(await self.owner.get("signingKeys"), ListSigningKeysResponse())
        root = bytes.fromhex((Path(self.stack.data["home"]) / "portal-keys" / "root.pub").read_text())
        self.hub.learn_keys(each.record.SerializeToString() for each in listed.signing_keys)
        return portal_keys.trusted(root, listed.signing_keys)

    async def register(self) -> str:
        """Register the organisation and the electrician's licence; return the licence's state."""
        self.organization = f"organizations/{self.installer.who.org}"
        body = {"displayName": "Bright Sparks", "countryCode": "AU"}
        await self._unless_there(f"organizations?requestId={uuid.uuid4()}", body)
        members = (await self.installer.get(f"{self.organization}/members"))["members"]
        licence = {"number": self.installer.who.licence, "jurisdiction": "AU-NSW", "holder": members[0]["name"]}
        await self._unless_there(f"{self.organization}/licenses?requestId={uuid.uuid4()}", licence)
        listed = (await self.installer.get(f"{self.organization}/licenses"))["licenses"]
        return str(next(each["state"] for each in listed if each["number"] == self.installer.who.licence))

    async def _unless_there(self, path: str, body: dict[str, Any]) -> None:
        try:
            await self.installer.post(path, body)
        except AnswerError as error:
            if error.status != _TAKEN:
                raise

    async def template(self) -> str:
        """Make a template that asks for a pairing plan and a test; return the name of its version."""
        body = {"displayName": f"Flat {uuid.uuid4().hex[:8]}"}
        made = await self.installer.post(f"projectTemplates?requestId={uuid.uuid4()}", body)
        says = {
            "checklistItems": [{"title": "Test the breaker", "required": True}],
            "plans": [{"kind": "KIND_PAIRING_PLAN", "required": True}],
        }
        version = await self.installer.post(f"{made['name']}/versions?requestId={uuid.uuid4()}", says)
        return str(version["name"])

    async def create(self, **fields: Any) -> str:
        """Make the project, with what is personal in it."""
        body = {
            "displayName": f"Home of {self.marker}",
            "customer": {"displayName": self.marker, "email": f"{self.marker}@example.test"},
            "notes": f"key under the mat, {self.marker}",
            **fields,
        }
        made = await self.installer.post(f"projects?requestId={uuid.uuid4()}", body)
        self.project = made["name"]
        return self.project

    async def bind(self) -> str:
        """Bind the Hub: it signs the portal's nonce on the local network; return the project's state."""
        body = {"hub": f"hubs/{self.hub_id}"}
        given = await self.installer.post(f"{self.project}:createHubChallenge", body)
        signed = self.hub.bind(self._id, _bytes(given["nonce"]))
        bound = await self.installer.post(f"{self.project}:bindHub", {"binding": to_json(signed), **_request()})
        return str(bound["state"])

    async def draw(self, content: bytes) -> str:
        """Seal the pairing plan under the Project Key and send it in two pieces; return the revision's name."""
        (plan,) = (await self.installer.get(f"{self.project}/plans"))["plans"]
        sealed = seal_plan(self.project_key.raw, *_plan_ids(plan["name"]), 1, content)
        declared = {
            "revision": 1,
            "sizeBytes": str(len(sealed)),
            "digest": _text(hashlib.sha256(sealed).digest()),
            "keyEpoch": 1,
        }
        upload = await self.installer.post(f"{plan['name']}/uploads?requestId={uuid.uuid4()}", declared)
        half = len(sealed) // 2
        await self.installer.put(f"{upload['name']}:write", sealed[:half])
        await self.installer.put(f"{upload['name']}:write?offsetBytes={half}", sealed[half:])
        self.plan = str((await self.installer.post(f"{upload['name']}:commit", _request()))["name"])
        return self.plan

    async def tick(self) -> int:
        """Complete every item of the checklist; return how many there were."""
        items = (await self.installer.get(f"{self.project}/checklistItems"))["checklistItems"]
        for each in items:
            await self.installer.post(f"{each['name']}:complete", _request())
        return len(items)

    async def read_plan(self, key: ProjectKey) -> bytes:
        """Fetch the plan with the owner's app, and open it with the Project Key."""
        sealed = await self.owner.fetch(f"{self.plan}:download")
        return open_plan(key.raw, *_plan_ids(self.plan), 1, sealed)

    async def ready(self) -> str:
        """Say that the work is done; return the project's state."""
        return str((await self.installer.post(f"{self.project}:markReady", _request()))["state"])

    async def seal(self) -> str:
        """Put the Project Key into custody, sealed to the AccessKey; return the state of custody."""
        wrap = self.key.keys().wrap.public()
        body = {
            "sealedProjectKey": _json(custody.seal(self.project_key, wrap, self.place)),
            "wrapPublicKey": _json(self.key.material())["wrapPublicKey"],
            **_request(),
        }
        return str((await self.installer.post(f"{self.project}/custody:seal", body))["state"])

    async def initiate(self, *, step_up: bool = True, mode: str = "REMOTE") -> Handover:
        """Lock the project for its owner, by a fresh login; the Hub takes the notice from the installer's app."""
        body = {"mode": f"HANDOVER_MODE_{mode}", "accessKey": _json(self.key.material()), **_request()}
        intent: dict[str, str | int] = {
            "type": "ora_handover_initiate",
            "resource": self.project,
            "generation": 1,
        }
        given = await self.installer.post(f"{self.project}:initiateHandover", body, intent if step_up else None)
        self.handover = ParseDict(given, Handover())
        self.hub.take_notice(self.handover.lock_notice.SerializeToString(), self.key.material().auth_public_key)
        return self.handover

    async def claim(self) -> Handover:
        """Claim the home with what the QR code says."""
        given = await self.owner.post("accessKeys:challenge", {"locator": self.key.locator})
        claimant = access_key.Claimant(key=self.owner_key, subject_digest=self.owner.digest)
        statement, by_key, by_claimant = access_key.sign_claim(
            self.key.keys(),
            claimant,
            locator=self.key.locator,
            generation=given["generation"],
            nonce=_bytes(given["nonce"]),
        )
        record = SignedRecord(
            statement=statement.SerializeToString(deterministic=True),
            signature=by_key,
            key_id=key_id(self.key.material().auth_public_key),
        )
        body = {
            "claim": _json(record),
            "claimantSignature": _text(by_claimant),
            **_request(),
        }
        self.handover = ParseDict(await self.owner.post("accessKeys:claim", body), Handover())
        self.by_claimant = by_claimant
        return self.handover

    async def approve(self) -> dict[str, Any]:
        """Let the claimant ask, and the electrician say yes by a fresh login at Voltex ID."""
        await self.owner.post(f"{self.project}/custody:requestRelease", _request())
        body = {"lockEpoch": 1, "generation": 1, **_request()}
        intent: dict[str, str | int] = {"type": "ora_custody_approve", "resource": self.project, "generation": 1}
        return await self.installer.post(f"{self.project}/custody:approveRelease", body, intent)

    def demand(self) -> SignedRecord:
        """Sign a demand for the Project Key."""
        return custody.sign_demand(self.owner_key, self.place, created_ms=int(time.time() * 1000))

    async def release(self, demand: SignedRecord, *, resource: str = "") -> ProjectKey:
        """Fetch the Project Key by a fresh login of the claimant, and open it."""
        intent: dict[str, str | int] = {
            "type": "ora_custody_release",
            "resource": resource or self.project,
            "generation": 1,
        }
        given = await self.owner.post(f"{self.project}/custody:release", {"demand": _json(demand)}, intent)
        released = ParseDict(given, ReleaseCustodyResponse())
        return custody.open_sealed(released.sealed_project_key, self.key.keys().wrap, self.place)

    def take_over(self) -> bytes:
        """Bring claim and grant to the Hub on the local network; return its receipt."""
        return self.hub.take_claim(
            self.handover.claim.SerializeToString(),
            self.by_claimant,
            self.handover.claim_grant.SerializeToString(),
        )

    async def carry(self, receipt: bytes) -> str:
        """Carry the Hub's receipt to the portal with the owner's app; return the project's state."""
        body = {"receipt": to_json(receipt)}
        return str((await self.owner.post(f"{self.project}:submitReceipt", body))["state"])

    async def proof(self) -> AuditRecord:
        """Fetch the proof of the owner's own last deed from the audit, and check it."""
        listed = await self.owner.get("accounts/me/auditEntries?pageSize=1")
        given = await self.owner.get(f"{listed['auditEntries'][0]['name']}:prove")
        return verify_proof(ParseDict(given, AuditProof()), await self.keys(), tenant=self.place.organization)

    async def stripped(self, *, seconds: float) -> dict[str, int]:
        """Wait until the project is gone, and check the proof of it; return what was erased, by store."""
        digest = _text(portal_keys.erased_digest(self.project))
        until = time.monotonic() + seconds
        while True:
            try:
                found = await self.owner.post("erasureReceipts:lookup", {"resourceDigest": digest})
                break
            except AnswerError:
                if time.monotonic() > until:
                    raise
                await asyncio.sleep(0.2)
        receipt = ParseDict(found, ErasureReceipt())
        said = portal_keys.open_erasure_receipt(receipt.record, await self.keys(), self.project)
        return {each.store: each.count for each in said.counts}

    def secrets(self) -> dict[str, bytes]:
        """Return what must be nowhere in the cloud."""
        keys = self.key.keys()
        return {
            "the AccessKey's secret": self.key.secret,
            "the AccessKey as people type it": self.key.symbols().encode(),
            "the AccessKey with its groups": self.key.text().encode(),
            "the auth key": keys.auth.seed,
            "the wrap key": keys.wrap.raw,
            "the Project Key": self.project_key.raw,
        }


def _plan_ids(name: str) -> tuple[uuid.UUID, uuid.UUID]:
    parts = name.split("/")
    return uuid.UUID(parts[1]), uuid.UUID(parts[3])


def _request() -> dict[str, str]:
    return {"requestId": str(uuid.uuid4())}


def _json(message: Message) -> dict[str, Any]:
    made: dict[str, Any] = MessageToDict(message)
    return made


def _bytes(text: str) -> bytes:
    return base64.b64decode(text)


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()
