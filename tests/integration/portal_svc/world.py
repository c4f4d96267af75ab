"""A portal on a real database behind mutual TLS, with a registry and a clock that tests move, and short ways to act."""

from __future__ import annotations

import secrets
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from ora.portal.v1 import (
    access_key_service_pb2,
    handover_service_pb2,
    hub_binding_service_pb2,
    license_pb2,
    license_service_pb2,
    organization_pb2,
    organization_service_pb2,
    project_pb2,
    project_service_pb2,
)
from ora.portal.v1.access_key_service_pb2_grpc import AccessKeyServiceStub
from ora.portal.v1.account_service_pb2_grpc import AccountServiceStub
from ora.portal.v1.api_token_service_pb2_grpc import ApiTokenServiceStub
from ora.portal.v1.audit_service_pb2_grpc import AuditServiceStub
from ora.portal.v1.checklist_item_service_pb2_grpc import ChecklistItemServiceStub
from ora.portal.v1.custody_service_pb2_grpc import CustodyServiceStub
from ora.portal.v1.erasure_receipt_service_pb2_grpc import ErasureReceiptServiceStub
from ora.portal.v1.handover_records_pb2 import HANDOVER_MODE_LOCAL, HandoverMode
from ora.portal.v1.handover_service_pb2_grpc import HandoverServiceStub
from ora.portal.v1.hub_binding_service_pb2_grpc import HubBindingServiceStub
from ora.portal.v1.hub_binding_statement_pb2 import HUB_BINDING_ACTION_BIND
from ora.portal.v1.invitation_service_pb2_grpc import InvitationServiceStub
from ora.portal.v1.license_service_pb2_grpc import LicenseServiceStub
from ora.portal.v1.member_service_pb2_grpc import MemberServiceStub
from ora.portal.v1.organization_service_pb2_grpc import OrganizationServiceStub
from ora.portal.v1.participant_service_pb2_grpc import ParticipantServiceStub
from ora.portal.v1.plan_service_pb2_grpc import PlanServiceStub
from ora.portal.v1.project_service_pb2_grpc import ProjectServiceStub
from ora.portal.v1.project_template_service_pb2_grpc import ProjectTemplateServiceStub
from ora.portal.v1.signing_key_service_pb2_grpc import SigningKeyServiceStub
from ora.portal.v1.tombstone_service_pb2_grpc import TombstoneServiceStub

from devstack import signing_keys
from mesh import clock
from mesh.certs import Certificates
from mesh.channel import Channel
from mesh.config import Secret
from mesh.db import open_database
from mesh.kms import FileKms
from mesh.kms_choice import KmsConfig
from mesh.object_store import ObjectStoreConfig
from mesh.objects import Objects
from mesh.pkcs11 import Pkcs11Config
from mesh.server import Server
from mesh.settings import DatabaseConfig, Environment, MeshConfig, RedisConfig
from mesh.tokens import AccessTokens
from portal_svc.api.checkpoints import Checkpoints
from portal_svc.config import Config
from portal_svc.domain.license import Answer, Verdict
from portal_svc.feed import Feed
from portal_svc.jobs.worker import Worker
from portal_svc.ports import RegisteredHub, Registry
from portal_svc.rooms import Rooms
from portal_svc.services import Outside, assemble
from tests.fakes.license_register import FakeRegister
from tests.fakes.registry import FakeRegistry
from tests.integration.fleet_svc.node import unlimited
from tests.integration.mesh.people import HOME, ISSUER, Idp
from tests.integration.portal_svc.actors import AccessKeyActor, Hub, Person
from tests.integration.portal_svc.postgres import Database

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ora.portal.v1.handover_pb2 import Handover

    from mesh.ratelimit import RateLimiter

STUBS: dict[str, Any] = {
    "organizations": OrganizationServiceStub,
    "members": MemberServiceStub,
    "licenses": LicenseServiceStub,
    "projects": ProjectServiceStub,
    "checklist": ChecklistItemServiceStub,
    "bindings": HubBindingServiceStub,
    "handovers": HandoverServiceStub,
    "keys": AccessKeyServiceStub,
    "custody": CustodyServiceStub,
    "audit": AuditServiceStub,
    "signing_keys": SigningKeyServiceStub,
    "receipts": ErasureReceiptServiceStub,
    "tombstones": TombstoneServiceStub,
    "templates": ProjectTemplateServiceStub,
    "plans": PlanServiceStub,
    "participants": ParticipantServiceStub,
    "invitations": InvitationServiceStub,
    "accounts": AccountServiceStub,
    "tokens": ApiTokenServiceStub,
}


# Who Ora's own people sign in with.
STAFF = replace(HOME, issuer="https://staff.test", roles=frozenset({"support"}))


def request_id() -> str:
    return str(uuid4())


@dataclass
class Clock:
    """The portal's time: the real one, moved."""

    offset: timedelta = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset


@dataclass
class World:
    """Everything a test of the portal touches."""

    database: Database
    registry: FakeRegistry
    register: FakeRegister
    kms_folder: Path
    channel: Channel
    address: str
    worker: Worker
    checkpoints: Checkpoints
    objects: Objects
    rooms: Rooms
    idp: Idp
    clock: Clock
    boss: Person = field(init=False)
    homer: Person = field(init=False)
    org: str = field(default_factory=lambda: str(uuid4()))
    stubs: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.boss = Person(self.idp, "boss", ("org_admin", "electrician"), self.org)
        self.homer = self.homeowner("homer")

    def now(self) -> datetime:
        return self.clock.now()

    def __getattr__(self, name: str) -> Any:
        if name not in STUBS:
            raise AttributeError(name)
        if name not in self.stubs:
            self.stubs[name] = STUBS[name](self.channel)
        return self.stubs[name]

    def homeowner(self, name: str) -> Person:
        return Person(self.idp, name, ("homeowner",))

    async def settle(self, **ahead: float) -> None:
        """Move the clock, and do what is due."""
        self.clock.offset += timedelta(**ahead)
        while await self.worker.round():
            pass
        for job in self.rooms.jobs:
            await job.work(self.now())

    async def found(self, who: Person | None = None, *, licensed: bool = True) -> organization_pb2.Organization:
        """Register an organisation with its first administrator, who has a licence."""
        person = who or self.boss
        made: organization_pb2.Organization = await self.organizations.CreateOrganization(
            organization_service_pb2.CreateOrganizationRequest(
                organization=organization_pb2.Organization(
                    display_name="Bright Sparks", country_code="AU", business_number="51824753556"
                ),
                request_id=request_id(),
            ),
            metadata=person.bearer(),
        )
        if licensed:
            await self.license(person)
        return made

    async def member_of(self, who: Person) -> str:
        found = await self.database.value(
            "SELECT member_id FROM portal.member WHERE subject_digest = $1 AND tenant_id = $2",
            who.digest,
            UUID(who.org),
        )
        return f"organizations/{who.org}/members/{found}"

    async def hire(self, name: str, role: str = "ELECTRICIAN") -> Person:
        """Put a person into the organisation, as an invitation would."""
        person = Person(self.idp, name, ("electrician", "org_admin") if role == "ADMIN" else ("electrician",), self.org)
        connection = await self.database.connect("postgres")
        await connection.execute(
            """INSERT INTO portal.member (member_id, tenant_id, account_id, subject_digest, display_name, email, role,
                                          state, revision, join_time, update_time)
               VALUES ($1, $2, $3, $4, $5, '', $6, 'ACTIVE', 1, now(), now())""",
            uuid4(),
            UUID(self.org),
            uuid4(),
            person.digest,
            name,
            role,
        )
        await connection.close()
        return person

    async def license(self, who: Person, days: float = 400) -> license_pb2.License:
        number = f"EC{secrets.randbelow(10**6)}"
        self.register.known[number] = Answer(
            verdict=Verdict.IN_FORCE, license_class="Electrician", expire_time=self.now() + timedelta(days=days)
        )
        request = license_service_pb2.CreateLicenseRequest(
            parent=f"organizations/{who.org}",
            license=license_pb2.License(holder=await self.member_of(who), number=number, jurisdiction="AU-NSW"),
            request_id=request_id(),
        )
        made: license_pb2.License = await self.licenses.CreateLicense(request, metadata=who.bearer())
        return made

    async def project(self, who: Person | None = None, **fields: Any) -> project_pb2.Project:
        given = project_pb2.Project(**{"display_name": "Kitchen", **fields})
        request = project_service_pb2.CreateProjectRequest(project=given, request_id=request_id())
        made: project_pb2.Project = await self.projects.CreateProject(request, metadata=(who or self.boss).bearer())
        return made

    async def get(self, name: str, who: Person | None = None) -> project_pb2.Project:
        request = project_service_pb2.GetProjectRequest(name=name)
        found: project_pb2.Project = await self.projects.GetProject(request, metadata=(who or self.boss).bearer())
        return found

    def hub(self) -> Hub:
        made = Hub()
        self.registry.hubs[made.id] = RegisteredHub(usable=True, identity_public_key=made.public_key)
        return made

    async def nonce(self, project: str, hub: Hub) -> bytes:
        request = hub_binding_service_pb2.CreateHubBindingChallengeRequest(project=project, hub=hub.name)
        made = await self.bindings.CreateHubBindingChallenge(request, metadata=self.boss.bearer())
        return bytes(made.nonce)

    async def bind(self, project: str, hub: Hub) -> project_pb2.Project:
        record = hub.binding(id_of(project), await self.nonce(project, hub), HUB_BINDING_ACTION_BIND)
        request = hub_binding_service_pb2.BindHubRequest(project=project, binding=record, request_id=request_id())
        bound: project_pb2.Project = await self.bindings.BindHub(request, metadata=self.boss.bearer())
        return bound

    async def ready(self, hub: Hub | None = None, **fields: Any) -> tuple[str, Hub]:
        """Bring a new project to READY."""
        made, hub = await self.project(**fields), hub or self.hub()
        await self.bind(made.name, hub)
        await self.mark_ready(made.name)
        return made.name, hub

    async def mark_ready(self, project: str) -> project_pb2.Project:
        request = handover_service_pb2.MarkReadyRequest(project=project, request_id=request_id())
        marked: project_pb2.Project = await self.handovers.MarkReady(request, metadata=self.boss.bearer())
        return marked

    async def initiate(
        self,
        project: str,
        key: AccessKeyActor | None = None,
        *,
        mode: HandoverMode.ValueType = HANDOVER_MODE_LOCAL,
        metadata: Any = None,
    ) -> tuple[Handover, AccessKeyActor]:
        key = key or AccessKeyActor(secrets.randbelow(2**30))
        request = handover_service_pb2.InitiateHandoverRequest(
            project=project, mode=mode, access_key=key.material, request_id=request_id()
        )
        fresh = metadata or self.boss.step_up("ora_handover_initiate", project, 1)
        return await self.handovers.InitiateHandover(request, metadata=fresh), key

    async def regenerate(self, project: str, lock_epoch: int, generation: int) -> AccessKeyActor:
        key = AccessKeyActor(secrets.randbelow(2**30))
        request = access_key_service_pb2.RegenerateAccessKeyRequest(
            project=project,
            lock_epoch=lock_epoch,
            generation=generation,
            access_key=key.material,
            request_id=request_id(),
        )
        fresh = self.boss.step_up("ora_handover_regenerate", project, generation)
        await self.keys.RegenerateAccessKey(request, metadata=fresh)
        return key

    async def challenge(self, key: AccessKeyActor, who: Person | None = None) -> Any:
        request = access_key_service_pb2.ChallengeAccessKeyRequest(locator=key.locator)
        return await self.keys.ChallengeAccessKey(request, metadata=(who or self.homer).bearer())

    async def claim(self, key: AccessKeyActor, who: Person | None = None, **changes: Any) -> Handover:
        person = who or self.homer
        given = await self.challenge(key, person)
        values = {"nonce": given.nonce, "generation": given.generation, **changes}
        request = person.claim(key, **values)
        claimed: Handover = await self.keys.ClaimAccessKey(request, metadata=person.bearer())
        return claimed

    async def cancel(self, handover: Handover) -> Handover:
        request = handover_service_pb2.CancelHandoverRequest(name=handover.name, request_id=request_id())
        project = handover.name.partition("/handovers/")[0]
        fresh = self.boss.step_up("ora_handover_cancel", project, handover.generation)
        ended: Handover = await self.handovers.CancelHandover(request, metadata=fresh)
        return ended

    async def decline(self, handover: Handover, who: Person | None = None) -> Handover:
        request = handover_service_pb2.DeclineHandoverRequest(name=handover.name, request_id=request_id())
        ended: Handover = await self.handovers.DeclineHandover(request, metadata=(who or self.homer).bearer())
        return ended

    async def receipt(self, hub: Hub, claimed: Handover, metadata: Any = None, **changes: Any) -> Any:
        project = claimed.name.partition("/handovers/")[0]
        values = {"lock_epoch": claimed.lock_epoch, "generation": claimed.generation, **changes}
        values.setdefault("claim", claimed.claim.statement)
        values.setdefault("key", claimed.claimant_public_key)
        record = hub.receipt(id_of(project), **values)
        request = handover_service_pb2.SubmitReceiptRequest(project=project, receipt=record)
        return await self.handovers.SubmitReceipt(request, metadata=metadata or hub.metadata)


def id_of(name: str) -> UUID:
    return UUID(name.split("/")[1])


def make_keys(folder: Path) -> Path:
    """Make the portal's signing keys."""
    signing_keys.make(folder, folder.parent / "root")
    return folder


@asynccontextmanager
async def running(
    database: Database,
    certificates: Path,
    folder: Path,
    *,
    redis: Any = None,
    limiter: RateLimiter | None = None,
    fleet: Registry | None = None,
    store: Objects | None = None,
    refusal_seconds: float = 0.0,
) -> AsyncIterator[World]:
    """Run a portal in this process."""
    idp = Idp()
    mesh = MeshConfig(
        environment=Environment.DEV,
        grpc_listen="127.0.0.1:0",
        cert_dir=certificates,
        issuers=(ISSUER, HOME, STAFF),
        drain_seconds=1.0,
    )
    config = Config(
        mesh=mesh,
        database=DatabaseConfig(url=Secret(database.service_url), acquire_seconds=20.0, lock_seconds=20.0, pool_max=12),
        redis=RedisConfig(url=Secret("redis://127.0.0.1:1/0")),
        fleet_targets=("127.0.0.1:1",),
        kms=KmsConfig(folder=folder / "kms", pkcs11=Pkcs11Config()),
        objects=ObjectStoreConfig(location=f"file:{folder}/objects"),
        signing_folder=make_keys(folder / "keys"),
        refusal_seconds=refusal_seconds,
    )
    registry, register, feed = FakeRegistry(), FakeRegister(), Feed(redis)
    objects = store or config.objects.open()
    limiter = limiter or unlimited(clock.monotonic)
    people = AccessTokens(mesh.issuers, now=clock.now, monotonic=clock.monotonic, fetch=idp.fetch)
    async with open_database(config.database, application="portal test") as pool:
        outside = Outside(
            database=pool,
            kms=FileKms.create(config.kms.folder),
            objects=objects,
            registry=fleet or registry,
            register=register,
            limiter=limiter,
            feed=feed,
        )
        time = Clock()
        portal = assemble(config, outside, now=time.now)
        server = Server(mesh, workload="portal", limiter=limiter, people=people, api_tokens=portal.rooms.verifier)
        for add, servicer in portal.handlers:
            server.add(add, servicer)
        port = await server.start()
        worker = Worker(pool, portal.tasks(), now=time.now)
        address = f"127.0.0.1:{port}"
        channel = Channel("portal", [address], Certificates(certificates, "gateway"))
        try:
            rooms = (worker, portal.checkpoints, objects, portal.rooms)
            yield World(database, registry, register, config.kms.folder, channel, address, *rooms, idp, time)
        finally:
            await channel.close()
            await server.stop()
