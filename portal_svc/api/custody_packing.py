"""Owns how custody looks in the contract: never what is sealed, and an approval while it is good."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ora.portal.v1 import custody_pb2
from ora.portal.v1.access_key_pb2 import HpkeSuite

from portal_svc.api.names import custody_name
from portal_svc.api.times import to_timestamp

if TYPE_CHECKING:
    from datetime import datetime

    from portal_svc.domain.custody import Custody

_STATE: Final = custody_pb2.Custody.State


def to_proto(held: Custody, now: datetime) -> custody_pb2.Custody:
    """Return how custody stands."""
    return custody_pb2.Custody(
        name=custody_name(held.project_id),
        state=_STATE.Value(f"STATE_{held.state}"),
        lock_epoch=held.lock_epoch,
        generation=held.generation,
        suite=HpkeSuite.Value(f"HPKE_SUITE_{held.suite}"),
        wrap_key_digest=held.wrap_key_digest,
        seal_time=to_timestamp(held.seal_time),
        request_time=to_timestamp(held.request_time),
        approval=_approval(held) if held.approved(now) else None,
        release_time=to_timestamp(held.release_time),
        retry_until_time=to_timestamp(held.retry_until_time),
        destroy_time=to_timestamp(held.destroy_time),
        etag=held.etag,
    )


def _approval(held: Custody) -> custody_pb2.ReleaseApproval:
    return custody_pb2.ReleaseApproval(
        approval_id=str(held.approval_id),
        generation=held.generation,
        approve_time=to_timestamp(held.approve_time),
        release_from_time=to_timestamp(held.release_from_time),
        expire_time=to_timestamp(held.approval_expire_time),
    )
