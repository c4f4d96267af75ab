"""Owns putting together what stands beside the way of projects: templates, plans, people, and programs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ora.portal.v1.account_service_pb2_grpc import add_AccountServiceServicer_to_server
from ora.portal.v1.api_token_service_pb2_grpc import add_ApiTokenServiceServicer_to_server
from ora.portal.v1.invitation_service_pb2_grpc import add_InvitationServiceServicer_to_server
from ora.portal.v1.participant_service_pb2_grpc import add_ParticipantServiceServicer_to_server
from ora.portal.v1.plan_service_pb2_grpc import add_PlanServiceServicer_to_server
from ora.portal.v1.project_template_service_pb2_grpc import add_ProjectTemplateServiceServicer_to_server

from mesh.jobs import Job
from mesh.kms import ForPurposes
from portal_svc.api import copies, forgetting
from portal_svc.api.accounts import AccountService
from portal_svc.api.api_tokens import ApiTokenService, TokenVerifier
from portal_svc.api.copies import Copies
from portal_svc.api.forgetting import Forgetting
from portal_svc.api.invitations import EXPIRE_INVITATION, InvitationService
from portal_svc.api.participants import ParticipantService
from portal_svc.api.plan_arrival import EXPIRE_UPLOAD
from portal_svc.api.plans import PlanService
from portal_svc.api.templates import ProjectTemplateService
from portal_svc.export_vault import PURPOSE as EXPORT_PURPOSE
from portal_svc.export_vault import ExportVault
from portal_svc.jobs.objects import jobs_of_objects
from portal_svc.store.tasks import Task

if TYPE_CHECKING:
    from mesh.kms import Kms
    from mesh.objects import Objects
    from portal_svc.api.desk import Desk


@dataclass(frozen=True, slots=True, kw_only=True)
class Rooms:
    """The handlers, what they do later, what recurs, and who believes their tokens."""

    handlers: tuple[tuple[Callable[[Any, Any], None], Any], ...]
    tasks: Mapping[str, Callable[[Task, datetime], Awaitable[None]]]
    jobs: Sequence[Job]
    verifier: TokenVerifier


def rooms_of(desk: Desk, objects: Objects, kms: Kms) -> Rooms:
    """Return the rooms."""
    vault = ExportVault(ForPurposes(kms, EXPORT_PURPOSE))
    plans, invitations = PlanService(desk, objects), InvitationService(desk)
    made, forgetter = Copies(desk, vault), Forgetting(desk, vault)
    return Rooms(
        handlers=(
            (add_ProjectTemplateServiceServicer_to_server, ProjectTemplateService(desk)),
            (add_PlanServiceServicer_to_server, plans),
            (add_ParticipantServiceServicer_to_server, ParticipantService(desk)),
            (add_InvitationServiceServicer_to_server, invitations),
            (add_AccountServiceServicer_to_server, AccountService(desk, made, forgetter)),
            (add_ApiTokenServiceServicer_to_server, ApiTokenService(desk)),
        ),
        tasks={
            EXPIRE_UPLOAD: plans.expire,
            EXPIRE_INVITATION: invitations.expire,
            copies.MAKE: made.make,
            copies.EXPIRE: made.expire,
            forgetting.ERASE: forgetter.erase,
        },
        jobs=jobs_of_objects(desk.database, objects),
        verifier=TokenVerifier(desk.database, now=desk.now),
    )
