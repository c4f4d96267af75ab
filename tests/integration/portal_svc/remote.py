"""Short ways to act on the remote path: a real AccessKey and Project Key by the SDK, and what the portal is asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from ora.portal.v1 import access_key_service_pb2, custody_pb2
from ora.portal.v1 import custody_service_pb2 as pb
from ora.portal.v1.handover_records_pb2 import HANDOVER_MODE_REMOTE

from sdk import access_key, custody
from sdk.hpke import SuiteId
from sdk.keys import SigningKey
from tests.integration.portal_svc.actors import AccessKeyActor
from tests.integration.portal_svc.world import World, id_of, request_id

if TYPE_CHECKING:
    from datetime import datetime

    from ora.common.v1.signed_record_pb2 import SignedRecord
    from ora.portal.v1.access_key_pb2 import AccessKeyMaterial
    from ora.portal.v1.handover_pb2 import Handover

    from tests.integration.portal_svc.actors import Person


class RemoteKey(AccessKeyActor):
    """An AccessKey with all that follows from its secret."""

    def __init__(self, suite: SuiteId = SuiteId.SMALL) -> None:
        self.key, self.suite = access_key.new_access_key(), suite
        self.keys = self.key.keys(suite)
        super().__init__(self.key.locator, Ed25519PrivateKey.from_private_bytes(self.keys.auth.seed))

    @property
    def material(self) -> AccessKeyMaterial:
        return self.key.material(self.suite)


@dataclass
class Remote:
    """One project on the remote path."""

    portal: World
    project: str
    key: RemoteKey = field(default_factory=RemoteKey)
    project_key: custody.ProjectKey = field(default_factory=custody.new_project_key)
    lock_epoch: int = 1
    generation: int = 1

    @property
    def name(self) -> str:
        return f"{self.project}/custody"

    def place(self, **changes: Any) -> custody.Place:
        values: dict[str, Any] = {
            "organization": UUID(self.portal.org).bytes,
            "project": id_of(self.project).bytes,
            "generation": self.generation,
            "lock_epoch": self.lock_epoch,
            **changes,
        }
        return custody.Place(**values)

    def sealed(self, **changes: Any) -> custody_pb2.SealedProjectKey:
        return custody.seal(self.project_key, self.key.keys.wrap.public(), self.place(**changes))

    def sealing(self, **changes: Any) -> pb.SealCustodyRequest:
        return pb.SealCustodyRequest(
            name=self.name,
            sealed_project_key=self.sealed(**changes),
            wrap_public_key=self.key.material.wrap_public_key,
            request_id=request_id(),
        )

    async def seal(self, who: Person | None = None, **changes: Any) -> custody_pb2.Custody:
        person = who or self.portal.boss
        made: custody_pb2.Custody = await self.portal.custody.SealCustody(
            self.sealing(**changes), metadata=person.bearer()
        )
        return made

    async def initiate(self) -> Handover:
        handover, _ = await self.portal.initiate(self.project, self.key, mode=HANDOVER_MODE_REMOTE)
        return handover

    async def claimed(self) -> Handover:
        """Bring a project from READY to its claim."""
        await self.seal()
        await self.initiate()
        return await self.portal.claim(self.key)

    async def regenerate(self) -> RemoteKey:
        before = self.key, self.generation
        self.key, self.generation = RemoteKey(self.key.suite), self.generation + 1
        request = access_key_service_pb2.RegenerateAccessKeyRequest(
            project=self.project,
            lock_epoch=self.lock_epoch,
            generation=self.generation,
            access_key=self.key.material,
            sealed_project_key=self.sealed(),
            request_id=request_id(),
        )
        fresh = self.portal.boss.step_up("ora_handover_regenerate", self.project, self.generation)
        try:
            await self.portal.keys.RegenerateAccessKey(request, metadata=fresh)
        except BaseException:
            self.key, self.generation = before
            raise
        return self.key

    async def approve(self, metadata: Any = None, **changes: Any) -> custody_pb2.Custody:
        values = {"lock_epoch": self.lock_epoch, "generation": self.generation, **changes}
        request = pb.ApproveReleaseRequest(name=self.name, request_id=request_id(), **values)
        fresh = metadata or self.portal.boss.step_up("ora_custody_approve", self.project, self.generation)
        made: custody_pb2.Custody = await self.portal.custody.ApproveRelease(request, metadata=fresh)
        return made

    async def ask(self, who: Person | None = None) -> custody_pb2.Custody:
        request = pb.RequestReleaseRequest(name=self.name, request_id=request_id())
        asked: custody_pb2.Custody = await self.portal.custody.RequestRelease(
            request, metadata=(who or self.portal.homer).bearer()
        )
        return asked

    async def withdraw(self, who: Person | None = None) -> custody_pb2.Custody:
        request = pb.WithdrawApprovalRequest(name=self.name, request_id=request_id())
        made: custody_pb2.Custody = await self.portal.custody.WithdrawApproval(
            request, metadata=(who or self.portal.boss).bearer()
        )
        return made

    async def destroy(self, who: Person | None = None) -> custody_pb2.Custody:
        request = pb.DestroyCustodyRequest(name=self.name, request_id=request_id())
        made: custody_pb2.Custody = await self.portal.custody.DestroyCustody(
            request, metadata=(who or self.portal.boss).bearer()
        )
        return made

    async def get(self, who: Person | None = None) -> custody_pb2.Custody:
        request = pb.GetCustodyRequest(name=self.name)
        found: custody_pb2.Custody = await self.portal.custody.GetCustody(
            request, metadata=(who or self.portal.boss).bearer()
        )
        return found

    def demand(
        self, who: Person | None = None, *, at: datetime | None = None, ago_ms: int = 0, **changes: Any
    ) -> SignedRecord:
        key = SigningKey((who or self.portal.homer).key.private_bytes_raw())
        created = int((at or self.portal.now()).timestamp() * 1000) - ago_ms
        return custody.sign_demand(key, self.place(**changes), created_ms=created)

    async def release(
        self, demand: SignedRecord | None = None, who: Person | None = None, metadata: Any = None
    ) -> pb.ReleaseCustodyResponse:
        person = who or self.portal.homer
        request = pb.ReleaseCustodyRequest(name=self.name, demand=demand or self.demand(person))
        fresh = metadata or person.step_up("ora_custody_release", self.project, self.generation)
        given: pb.ReleaseCustodyResponse = await self.portal.custody.ReleaseCustody(request, metadata=fresh)
        return given

    def opened(self, given: pb.ReleaseCustodyResponse) -> custody.ProjectKey:
        return custody.open_sealed(given.sealed_project_key, self.key.keys.wrap, self.place())


async def ready(portal: World, suite: SuiteId = SuiteId.SMALL) -> Remote:
    """Bring a new project to READY."""
    project, _ = await portal.ready()
    return Remote(portal, project, RemoteKey(suite))
