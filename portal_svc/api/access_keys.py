"""Owns AccessKeyService: the keys that open handovers. Unpacks, asks domain and store, packs."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from ora.portal.v1 import access_key_pb2, handover_pb2
from ora.portal.v1 import access_key_service_pb2 as pb
from ora.portal.v1 import access_key_service_pb2_grpc as rpc

from mesh.call import current_call
from mesh.errors import (
    AbortedError,
    InvalidArgumentError,
    NotFoundError,
    ResourceExhaustedError,
    StateConflictError,
)
from portal_svc.api import access, audit, pages, people, step_up
from portal_svc.api.handover_packing import key_to_proto
from portal_svc.api.locking import with_key
from portal_svc.api.names import ACCESS_KEY, PROJECT
from portal_svc.api.repeat import repeatable
from portal_svc.api.times import to_timestamp
from portal_svc.domain import access_key, attempt
from portal_svc.domain.access_key import KEYS_A_DAY
from portal_svc.domain.handover import Event, State
from portal_svc.store import access_keys, handovers, projects

if TYPE_CHECKING:
    from uuid import UUID

    from ora.portal.v1.step_up_pb2 import StepUpEvidence

    from mesh.db import Tx
    from portal_svc.api.access import Seen
    from portal_svc.api.claims import Claims
    from portal_svc.api.desk import Desk
    from portal_svc.api.locking import Locking
    from portal_svc.domain.access_key import AccessKey
    from portal_svc.domain.attempt import Handover

_DAY: Final = timedelta(days=1)
_REASON: Final = access_key_pb2.AccessKeyAttempt.Reason


class AccessKeyService(rpc.AccessKeyServiceServicer):
    """AccessKeys. The keys themselves never reach the portal."""

    def __init__(self, desk: Desk, locking: Locking, claims: Claims) -> None:
        self._desk, self._locking, self._claims = desk, locking, claims

    async def GetAccessKey(self, request: pb.GetAccessKeyRequest, context: Any) -> access_key_pb2.AccessKey:
        """Return one AccessKey."""
        del context
        project_id, key_id = ACCESS_KEY.parse(request.name)
        async with self._desk.database.tenant(current_call().tenant, read_only=True) as tx:
            await access.read(tx, project_id)
            return key_to_proto(_known(await access_keys.get(tx, project_id, key_id)))

    async def ListAccessKeys(self, request: pb.ListAccessKeysRequest, context: Any) -> pb.ListAccessKeysResponse:
        """Return one page of a project's AccessKeys, newest first."""
        del context
        project_id = PROJECT.parse_one(request.parent, field="parent")
        cursor, size = pages.cursor_of(self._desk, request), pages.size_of(request)
        before = (int(cursor[0]), int(cursor[1])) if cursor else None
        async with self._desk.database.tenant(current_call().tenant, read_only=True) as tx:
            await access.read(tx, project_id)
            found = await access_keys.page(tx, project_id, before=before, limit=size + 1)
        shown = found[:size]
        last = (shown[-1].lock_epoch, shown[-1].generation) if shown else ()
        return pb.ListAccessKeysResponse(
            access_keys=map(key_to_proto, shown), next_page_token=pages.token(self._desk, request, found, *last)
        )

    async def ListAccessKeyAttempts(
        self, request: pb.ListAccessKeyAttemptsRequest, context: Any
    ) -> pb.ListAccessKeyAttemptsResponse:
        """Return one page of refused claims, newest first: the owner alone learns why."""
        del context
        project_id, key_id = ACCESS_KEY.parse(request.parent, field="parent")
        cursor, size = pages.cursor_of(self._desk, request), pages.size_of(request)
        async with self._desk.database.tenant(current_call().tenant, read_only=True) as tx:
            seen = await access.read(tx, project_id)
            seen.require_owner()
            key = _known(await access_keys.get(tx, project_id, key_id))
            before = int(cursor[0]) if cursor else 0
            found = await access_keys.page_attempts(tx, key.access_key_id, before=before, limit=size + 1)
        attempts = [
            access_key_pb2.AccessKeyAttempt(reason=_REASON.Value(f"REASON_{reason}"), attempt_time=to_timestamp(at))
            for _, reason, at in found[:size]
        ]
        last = (found[:size][-1][0],) if found else ()
        return pb.ListAccessKeyAttemptsResponse(
            attempts=attempts, next_page_token=pages.token(self._desk, request, found, *last)
        )

    async def RegenerateAccessKey(
        self, request: pb.RegenerateAccessKeyRequest, context: Any
    ) -> access_key_pb2.AccessKey:
        """Put a new key in place of an unclaimed one, which is dead at once."""
        del context
        project_id = PROJECT.parse_one(request.project, field="project")
        evidence = step_up.demand(request.project, request.generation)
        async with self._desk.database.tenant(current_call().tenant) as tx:
            effect = partial(self._regenerate, tx, project_id, request, evidence)
            return await repeatable(tx, access_key_pb2.AccessKey, effect, partial(self._again, tx))

    async def _regenerate(
        self, tx: Tx, project_id: UUID, request: pb.RegenerateAccessKeyRequest, evidence: StepUpEvidence
    ) -> access_key_pb2.AccessKey:
        seen, now = await access.change(tx, project_id), self._desk.now()
        seen.require(Event.REGENERATE)
        seen.project.after(Event.REGENERATE)
        held = await self._unclaimed(tx, seen, request)
        made, first = await access_keys.made_since(tx, project_id, now - _DAY)
        if made >= KEYS_A_DAY and first is not None:
            again = first + _DAY
            raise ResourceExhaustedError(
                "five AccessKeys were made today",
                reason="REGENERATE_LIMIT",
                retry_after=again - now,
                retry_time=again.isoformat(),
            )
        before = _known(await access_keys.get(tx, project_id, held.access_key_id))
        if before.live:
            await self._save(tx, seen, before.apply(access_key.Event.SUPERSEDE, now=now))
        owner = seen.caller.member
        if owner is None:
            raise people.not_allowed()
        period = request.claim_period.ToTimedelta() if request.HasField("claim_period") else None
        key = await self._locking.issue(
            tx, seen.project, owner, generation=request.generation, material=request.access_key, period=period
        )
        await self._reseal(tx, seen, held, key, request)
        await access_keys.insert(tx, key)
        after = with_key(held, key, lock_notice=self._locking.notice(seen.project, key, held.mode))
        await handovers.save(tx, after)
        await projects.save(tx, seen.project.touch(now))
        await self._locking.plan_expiry(tx, after)
        await step_up.spend(tx, evidence)
        await self._desk.events.key_changed(tx, seen.project, key)
        await self._audit(tx, key, step_ups=[evidence])
        return key_to_proto(key)

    async def _unclaimed(self, tx: Tx, seen: Seen, request: pb.RegenerateAccessKeyRequest) -> Handover:
        project = seen.project
        if request.lock_epoch != project.lock_epoch:
            raise AbortedError(
                "the request is of another lock", reason="LOCK_EPOCH_MISMATCH", lock_epoch=project.lock_epoch
            )
        held = await handovers.get(tx, project.project_id, project.lock_epoch)
        if held is None or held.state is attempt.State.CLAIMED:
            raise StateConflictError("the AccessKey is claimed", reason="ALREADY_CLAIMED")
        if request.generation != held.generation + 1:
            raise InvalidArgumentError(
                "not the next generation", reason="GENERATION_MISMATCH", generation=held.generation
            )
        return held

    async def _reseal(
        self, tx: Tx, seen: Seen, held: Handover, key: AccessKey, request: pb.RegenerateAccessKeyRequest
    ) -> None:
        sealed = request.HasField("sealed_project_key")
        if (held.mode == "REMOTE") != sealed:
            raise InvalidArgumentError.field("sealed_project_key", "in REMOTE mode, and in no other")
        if sealed:
            await self._desk.custody.reseal(tx, seen.project, key, request.sealed_project_key)

    async def RevokeAccessKey(self, request: pb.RevokeAccessKeyRequest, context: Any) -> access_key_pb2.AccessKey:
        """Make an unclaimed key useless; the project stays locked."""
        del context
        project_id, key_id = ACCESS_KEY.parse(request.name)
        async with self._desk.database.tenant(current_call().tenant) as tx:
            effect = partial(self._revoke, tx, project_id, key_id)
            return await repeatable(tx, access_key_pb2.AccessKey, effect, partial(self._again, tx))

    async def _revoke(self, tx: Tx, project_id: UUID, key_id: UUID) -> access_key_pb2.AccessKey:
        seen = await access.leave(tx, project_id)
        seen.require(Event.CANCEL)
        held = _known(await access_keys.get(tx, project_id, key_id))
        if held.state is access_key.State.CLAIMED:
            raise StateConflictError("the AccessKey is claimed", reason="ALREADY_CLAIMED")
        if not held.live:
            return key_to_proto(held)
        if seen.project.state is not State.PENDING_HANDOVER:
            raise NotFoundError("there is no such AccessKey")
        revoked = held.apply(access_key.Event.REVOKE, now=self._desk.now())
        await self._save(tx, seen, revoked)
        await self._audit(tx, revoked)
        return key_to_proto(revoked)

    async def ChallengeAccessKey(
        self, request: pb.ChallengeAccessKeyRequest, context: Any
    ) -> access_key_pb2.AccessKeyChallenge:
        """Make a nonce for a claim."""
        del context
        return await self._claims.challenge(request)

    async def ClaimAccessKey(self, request: pb.ClaimAccessKeyRequest, context: Any) -> handover_pb2.Handover:
        """Bind the caller to a handover, if nobody is bound yet."""
        del context
        return await self._claims.claim(request)

    async def _save(self, tx: Tx, seen: Seen, key: AccessKey) -> None:
        await access_keys.save(tx, key)
        await self._desk.events.key_changed(tx, seen.project, key)

    async def _audit(self, tx: Tx, key: AccessKey, step_ups: list[StepUpEvidence] | None = None) -> None:
        name, now = ACCESS_KEY.format(key.project_id, key.access_key_id), self._desk.now()
        await audit.write(tx, key.tenant_id, name, now=now, lock_epoch=key.lock_epoch, step_ups=step_ups or [])

    async def _again(self, tx: Tx, kept: access_key_pb2.AccessKey) -> access_key_pb2.AccessKey:
        project_id, key_id = ACCESS_KEY.parse(kept.name)
        await access.read(tx, project_id)
        return key_to_proto(_known(await access_keys.get(tx, project_id, key_id)))


def _known(key: AccessKey | None) -> AccessKey:
    if key is None:
        raise NotFoundError("there is no such AccessKey")
    return key
