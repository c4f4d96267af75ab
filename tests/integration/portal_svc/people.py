"""Short ways to act for what belongs to people: invitations, participants, tokens, accounts."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from google.protobuf.timestamp_pb2 import Timestamp
from ora.portal.v1 import (
    account_service_pb2,
    api_token_pb2,
    api_token_service_pb2,
    checklist_item_pb2,
    checklist_item_service_pb2,
    invitation_pb2,
    invitation_service_pb2,
    member_pb2,
    participant_pb2,
    participant_service_pb2,
)
from ora.portal.v1.account_key_statement_pb2 import AccountKeyStatement

from mesh.signing import sign
from tests.integration.portal_svc.world import request_id

if TYPE_CHECKING:
    from ora.common.v1.signed_record_pb2 import SignedRecord

    from tests.integration.portal_svc.actors import Person
    from tests.integration.portal_svc.world import World


def at(portal: World, **ahead: float) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(portal.now() + timedelta(**ahead))
    return stamp


async def invite(
    portal: World, email: str = "pat@example.org", role: Any = member_pb2.Member.ROLE_ELECTRICIAN, **fields: Any
) -> Any:
    request = invitation_service_pb2.CreateInvitationRequest(
        parent=f"organizations/{portal.org}",
        invitation=invitation_pb2.Invitation(email=email, role=role, **fields),
        request_id=request_id(),
    )
    return await portal.invitations.CreateInvitation(request, metadata=portal.boss.bearer())


async def accept(portal: World, code: str, who: Person, name: str = "Pat") -> Any:
    request = invitation_service_pb2.AcceptInvitationRequest(code=code, display_name=name, request_id=request_id())
    return await portal.invitations.AcceptInvitation(request, metadata=who.bearer())


async def join(portal: World, project: str, who: Person, role: Any = participant_pb2.Participant.ROLE_INSTALLER) -> Any:
    request = participant_service_pb2.CreateParticipantRequest(
        parent=project,
        participant=participant_pb2.Participant(member=await portal.member_of(who), role=role),
        request_id=request_id(),
    )
    return await portal.participants.CreateParticipant(request, metadata=portal.boss.bearer())


async def token(portal: World, *scopes: str, days: float = 30) -> Any:
    organization = f"organizations/{portal.org}"
    request = api_token_service_pb2.CreateApiTokenRequest(
        parent=organization,
        api_token=api_token_pb2.ApiToken(
            display_name="Office", scopes=scopes or ("projects.read",), expire_time=at(portal, days=days)
        ),
        request_id=request_id(),
    )
    fresh = portal.boss.step_up("ora_api_token_create", organization)
    return await portal.tokens.CreateApiToken(request, metadata=fresh)


async def account(portal: World, who: Person) -> Any:
    request = account_service_pb2.GetAccountRequest(name="accounts/me")
    return await portal.accounts.GetAccount(request, metadata=who.bearer())


async def export(portal: World, who: Person) -> Any:
    request = account_service_pb2.CreateDataExportRequest(parent="accounts/me", request_id=request_id())
    return await portal.accounts.CreateDataExport(request, metadata=who.bearer())


async def item(portal: World, project: str) -> Any:
    request = checklist_item_service_pb2.CreateChecklistItemRequest(
        parent=project, checklist_item=checklist_item_pb2.ChecklistItem(title="Sweep"), request_id=request_id()
    )
    return await portal.checklist.CreateChecklistItem(request, metadata=portal.boss.bearer())


def key_record(portal: World, who: Person, key: Any = None, **changes: Any) -> SignedRecord:
    signing = key or who.key
    values = {
        "subject_digest": who.digest,
        "signing_public_key": signing.public_key().public_bytes_raw(),
        "created_ms": int(portal.now().timestamp() * 1000),
        **changes,
    }
    return sign(signing, b"ora account key v1", AccountKeyStatement(**values))
