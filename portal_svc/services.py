"""Owns putting the portal together: its handlers, its timers, and who of them needs whom. Opens nothing itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from ora.portal.v1.access_key_service_pb2_grpc import add_AccessKeyServiceServicer_to_server
from ora.portal.v1.audit_service_pb2_grpc import add_AuditServiceServicer_to_server
from ora.portal.v1.checklist_item_service_pb2_grpc import add_ChecklistItemServiceServicer_to_server
from ora.portal.v1.custody_service_pb2_grpc import add_CustodyServiceServicer_to_server
from ora.portal.v1.erasure_receipt_service_pb2_grpc import add_ErasureReceiptServiceServicer_to_server
from ora.portal.v1.handover_service_pb2_grpc import add_HandoverServiceServicer_to_server
from ora.portal.v1.hub_binding_service_pb2_grpc import add_HubBindingServiceServicer_to_server
from ora.portal.v1.job_service_pb2_grpc import add_JobServiceServicer_to_server
from ora.portal.v1.license_service_pb2_grpc import add_LicenseServiceServicer_to_server
from ora.portal.v1.member_service_pb2_grpc import add_MemberServiceServicer_to_server
from ora.portal.v1.operator_service_pb2_grpc import add_OperatorServiceServicer_to_server
from ora.portal.v1.organization_service_pb2_grpc import add_OrganizationServiceServicer_to_server
from ora.portal.v1.project_service_pb2_grpc import add_ProjectServiceServicer_to_server
from ora.portal.v1.signing_key_service_pb2_grpc import add_SigningKeyServiceServicer_to_server
from ora.portal.v1.tombstone_service_pb2_grpc import add_TombstoneServiceServicer_to_server

from mesh import clock
from mesh.config import Secret
from mesh.db import Database
from mesh.ids import uuid7
from mesh.kms import ForPurposes, Kms
from mesh.objects import Objects
from mesh.pagination import PageTokens
from mesh.ratelimit import RateLimiter
from portal_svc.api.access_keys import AccessKeyService
from portal_svc.api.audits import AuditService
from portal_svc.api.checklist_items import ChecklistItemService
from portal_svc.api.checkpoints import Checkpoints
from portal_svc.api.claims import Claims
from portal_svc.api.custody import CustodyService
from portal_svc.api.desk import Desk
from portal_svc.api.erasing import Eraser
from portal_svc.api.events import ProjectEvents
from portal_svc.api.handovers import HandoverService
from portal_svc.api.hub_bindings import HubBindingService
from portal_svc.api.jobs import JobService
from portal_svc.api.keeping import Keeping
from portal_svc.api.library import Library
from portal_svc.api.licenses import LicenseService
from portal_svc.api.locking import Locking
from portal_svc.api.members import MemberService
from portal_svc.api.organizations import OrganizationService
from portal_svc.api.plan_keeping import PlanKeeping
from portal_svc.api.projects import ProjectService
from portal_svc.api.receipts import Receipts
from portal_svc.api.remains import ErasureReceiptService, TombstoneService
from portal_svc.api.signing_keys import SigningKeyService
from portal_svc.api.standing import Standing
from portal_svc.api.support import OperatorService
from portal_svc.api.watching import Watching
from portal_svc.config import Config, derived
from portal_svc.custody_vault import PURPOSE as CUSTODY_PURPOSE
from portal_svc.custody_vault import CustodyVault
from portal_svc.export_vault import PURPOSE as EXPORT_PURPOSE
from portal_svc.feed import Feed
from portal_svc.jobs.rewrapping import REWRAP, Rewrapping
from portal_svc.jobs.timers import Timers
from portal_svc.ports import LicenseRegister, Registry
from portal_svc.rooms import Rooms, rooms_of
from portal_svc.signer import Signer
from portal_svc.vault import Vault

if TYPE_CHECKING:
    from portal_svc.store.tasks import Task

# What the portal has keys for. Custody's are opened by custody alone.
VAULT_PURPOSES: Final = ("project", "search")
PURPOSES: Final = (*VAULT_PURPOSES, CUSTODY_PURPOSE, EXPORT_PURPOSE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What the portal talks to."""

    database: Database
    kms: Kms
    objects: Objects
    registry: Registry
    register: LicenseRegister
    limiter: RateLimiter
    feed: Feed


@dataclass(frozen=True, slots=True)
class Portal:
    """The handlers, each with what registers it, and the timers."""

    handlers: tuple[tuple[Callable[[Any, Any], None], Any], ...]
    timers: Timers
    checkpoints: Checkpoints
    rewrapping: Rewrapping
    rooms: Rooms

    def tasks(self) -> dict[str, Callable[[Task, datetime], Awaitable[None]]]:
        """Return what is done later, by the kind of task."""
        return {**self.timers.handlers(), REWRAP: self.rewrapping.work, **self.rooms.tasks}


def assemble(config: Config, outside: Outside, *, now: clock.Now = clock.now) -> Portal:
    """Return the portal."""
    events = ProjectEvents(now=now, new_id=uuid7)
    custody_vault = CustodyVault(ForPurposes(outside.kms, CUSTODY_PURPOSE))
    keeping = Keeping(custody_vault, events, now=now)
    desk = Desk(
        database=outside.database,
        now=now,
        new_id=uuid7,
        events=events,
        vault=Vault(ForPurposes(outside.kms, *VAULT_PURPOSES)),
        signer=Signer.from_folder(config.signing_folder, now=now),
        registry=outside.registry,
        register=outside.register,
        templates=Library(),
        plans=PlanKeeping(now=now, new_id=uuid7),
        custody=keeping,
        tokens=PageTokens([Secret(derived(config, b"page tokens").hex())]),
    )
    locking, eraser = Locking(desk), Eraser(desk)
    receipts = Receipts(desk, locking, strip_after=timedelta(seconds=config.strip_seconds))
    claims = Claims(
        desk,
        locking,
        outside.limiter,
        secret=derived(config, b"claim nonces"),
        monotonic=clock.monotonic,
        refusal_seconds=config.refusal_seconds,
    )
    licenses, checkpoints = LicenseService(desk, Standing(desk)), Checkpoints(desk)
    rooms = rooms_of(desk, outside.objects, outside.kms)
    return Portal(
        (
            (add_OrganizationServiceServicer_to_server, OrganizationService(desk)),
            (add_MemberServiceServicer_to_server, MemberService(desk)),
            (add_LicenseServiceServicer_to_server, licenses),
            (add_ProjectServiceServicer_to_server, ProjectService(desk, eraser, Watching(desk, outside.feed))),
            (add_ChecklistItemServiceServicer_to_server, ChecklistItemService(desk)),
            (add_HubBindingServiceServicer_to_server, HubBindingService(desk)),
            (add_HandoverServiceServicer_to_server, HandoverService(desk, locking, receipts)),
            (add_AccessKeyServiceServicer_to_server, AccessKeyService(desk, locking, claims)),
            (
                add_CustodyServiceServicer_to_server,
                CustodyService(desk, keeping, custody_vault, notice=timedelta(seconds=config.release_notice_seconds)),
            ),
            (add_ErasureReceiptServiceServicer_to_server, ErasureReceiptService(desk)),
            (add_TombstoneServiceServicer_to_server, TombstoneService(desk)),
            (add_AuditServiceServicer_to_server, AuditService(desk, checkpoints)),
            (add_SigningKeyServiceServicer_to_server, SigningKeyService(desk)),
            (add_JobServiceServicer_to_server, JobService(desk)),
            (add_OperatorServiceServicer_to_server, OperatorService(desk)),
            *rooms.handlers,
        ),
        Timers(desk, locking, eraser, licenses, keeping),
        checkpoints,
        Rewrapping(desk, keeping),
        rooms,
    )
