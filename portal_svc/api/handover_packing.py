"""Owns how handovers and AccessKeys look in the contract."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ora.common.v1.signed_record_pb2 import SignedRecord
from ora.portal.v1 import access_key_pb2, handover_pb2
from ora.portal.v1.handover_records_pb2 import HandoverMode

from portal_svc.api.names import ACCESS_KEY, ACCOUNT, custody_name, handover_name, hub_name, project_name
from portal_svc.api.times import to_timestamp
from portal_svc.domain.access_key import KEYS_A_DAY

if TYPE_CHECKING:
    from portal_svc.domain.access_key import AccessKey
    from portal_svc.domain.attempt import Handover
    from portal_svc.domain.project import Project

_STATE: Final = handover_pb2.Handover.State
_KEY_STATE: Final = access_key_pb2.AccessKey.State
_SUITE: Final = access_key_pb2.HpkeSuite


def to_proto(handover: Handover, *, made_today: int, for_claimant: bool) -> handover_pb2.Handover:
    """Return the handover; who the claimant is, the claimant alone is shown."""
    claimant = handover.claimant_account_id if for_claimant else None
    return handover_pb2.Handover(
        name=handover_name(handover.project_id, handover.lock_epoch),
        lock_epoch=handover.lock_epoch,
        mode=HandoverMode.Value(f"HANDOVER_MODE_{handover.mode}"),
        state=_STATE.Value(f"STATE_{handover.state}"),
        access_key=ACCESS_KEY.format(handover.project_id, handover.access_key_id),
        generation=handover.generation,
        regenerations_left=max(KEYS_A_DAY - made_today, 0),
        hub=hub_name(handover.hub_id),
        claimant=ACCOUNT.format(claimant) if claimant else "",
        claimant_public_key=handover.claimant_public_key or b"",
        custody=custody_name(handover.project_id) if handover.mode == "REMOTE" else "",
        lock_notice=record_of(handover.lock_notice),
        claim=record_of(handover.claim),
        claim_grant=record_of(handover.claim_grant),
        lock_release=record_of(handover.lock_release),
        receipt=record_of(handover.receipt),
        endorsement=record_of(handover.endorsement),
        initiate_time=to_timestamp(handover.initiate_time),
        expire_time=to_timestamp(handover.expire_time),
        claim_time=to_timestamp(handover.claim_time),
        cancel_from_time=to_timestamp(handover.cancel_from_time),
        end_time=to_timestamp(handover.end_time),
        etag=handover.etag,
    )


def for_hub(project: Project, handover: Handover | None) -> handover_pb2.HubHandover:
    """Return what the project's Hub has to know."""
    packed = handover_pb2.HubHandover(project=project_name(project.project_id), lock_epoch=project.lock_epoch)
    if handover is None:
        return packed
    if handover.open:
        _set(packed.lock_notice, handover.lock_notice)
        _set(packed.endorsement, handover.endorsement)
    _set(packed.lock_release, handover.lock_release)
    if handover.lock_release is None:
        _set(packed.claim, handover.claim)
        _set(packed.claim_grant, handover.claim_grant)
    return packed


def key_to_proto(key: AccessKey) -> access_key_pb2.AccessKey:
    """Return the AccessKey."""
    return access_key_pb2.AccessKey(
        name=ACCESS_KEY.format(key.project_id, key.access_key_id),
        lock_epoch=key.lock_epoch,
        generation=key.generation,
        material=access_key_pb2.AccessKeyMaterial(
            locator=key.locator,
            auth_public_key=key.auth_public_key,
            suite=_SUITE.Value(f"HPKE_SUITE_{key.suite}"),
            wrap_public_key=key.wrap_public_key,
            endorsement=record_of(key.endorsement),
        ),
        state=_KEY_STATE.Value(f"STATE_{key.state}"),
        expire_time=to_timestamp(key.expire_time),
        create_time=to_timestamp(key.create_time),
        claim_time=to_timestamp(key.claim_time),
        end_time=to_timestamp(key.end_time),
        refused_claim_count=key.refused_claim_count,
        etag=key.etag,
    )


def record_of(encoded: bytes | None) -> SignedRecord | None:
    """Return a stored record; None stays absent."""
    return None if encoded is None else SignedRecord.FromString(encoded)


def _set(target: SignedRecord, encoded: bytes | None) -> None:
    if encoded is not None:
        target.ParseFromString(encoded)
