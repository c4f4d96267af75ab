"""Owns the claim of a handover: one winner, and for everything else one answer in one time.

Every refusal runs the same statements and the same two signature checks, on a key of nobody where there is no key, and
is held back to one moment after its beginning. Only the project's owner learns why (ADR 0073).
"""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from ora.portal.v1 import access_key_pb2, handover_pb2
from ora.portal.v1 import access_key_service_pb2 as pb
from ora.portal.v1.handover_records_pb2 import AccessKeyClaimStatement

from mesh.db import enter_tenant
from mesh.errors import PermissionDeniedError, ResourceExhaustedError
from mesh.ids import TenantId
from mesh.ratelimit import Limit, limit_key
from mesh.signing import is_signed_by
from portal_svc.api import audit, people
from portal_svc.api.handover_packing import to_proto
from portal_svc.api.handover_reading import HandoverReading, made_today
from portal_svc.api.names import handover_name
from portal_svc.api.repeat import repeatable
from portal_svc.api.statements import read_statement
from portal_svc.api.times import to_timestamp
from portal_svc.domain import access_key, attempt, challenge
from portal_svc.domain.access_key import RECEIPT_PERIOD, AccessKey
from portal_svc.domain.handover import State
from portal_svc.domain.ids import PLATFORM
from portal_svc.domain.project import Project
from portal_svc.store import access_keys, accounts, handovers, projects, proofs

if TYPE_CHECKING:
    from datetime import datetime

    from mesh.clock import Monotonic
    from mesh.db import Tx
    from mesh.ratelimit import RateLimiter
    from portal_svc.api.desk import Desk
    from portal_svc.api.locking import Locking
    from portal_svc.api.people import Person

CONTEXT: Final = b"ora access key claim v1"
CLAIMANT_CONTEXT: Final = b"ora access key claimant v1"
# Of one person at one locator, asked before anything is looked up.
GUESSES: Final = Limit(per_minute=6, burst=6)
# Of all persons at one locator, and at one tenant: counted by refusals alone, so no guesser can shut the right key out.
REFUSALS: Final = Limit(per_minute=60, burst=60)
_NONCE: Final = b"claim nonce"
_NONCE_KEPT: Final = timedelta(minutes=5)
_NOBODY: Final = UUID(int=0)
# A key that nobody has: what is checked where there is no AccessKey.
_KEY_OF_NOBODY: Final = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
_ENDED: Final = {
    access_key.State.EXPIRED: "EXPIRED",
    access_key.State.REVOKED: "REVOKED",
    access_key.State.SUPERSEDED: "REVOKED",
    access_key.State.CLAIMED: "ALREADY_CLAIMED",
    access_key.State.CONSUMED: "ALREADY_CLAIMED",
}


class _RefusedError(Exception):
    def __init__(self, reason: str, key_id: UUID, tenant: TenantId) -> None:
        super().__init__(reason)
        self.reason, self.key_id, self.tenant = reason, key_id, tenant


@dataclass(frozen=True, slots=True)
class _Found:
    """Where a locator leads; a locator that leads nowhere has nobody's ids."""

    tenant: TenantId
    project: Project | None
    key: AccessKey | None
    key_id: UUID


class Claims:
    """Challenges and claims."""

    def __init__(
        self,
        desk: Desk,
        locking: Locking,
        limiter: RateLimiter,
        *,
        secret: bytes,
        monotonic: Monotonic,
        refusal_seconds: float,
    ) -> None:
        self._desk, self._locking, self._limiter, self._secret = desk, locking, limiter, secret
        self._monotonic, self._refusal_seconds = monotonic, refusal_seconds
        self._reading = HandoverReading(desk)

    async def challenge(self, request: pb.ChallengeAccessKeyRequest) -> access_key_pb2.AccessKeyChallenge:
        """Return a nonce; a locator that leads nowhere gets one that looks the same."""
        who = people.person()
        await self._limit(who, request.locator)
        async with self._desk.database.platform(read_only=True) as tx:
            found = await self._find(tx, request.locator, lock=False)
        nothing = challenge.generation_of_nothing(self._secret, request.locator)
        live = found.key is not None and found.key.state is access_key.State.ISSUED
        nonce, end = challenge.make(
            self._secret,
            locator=request.locator,
            subject=who.digest,
            random=secrets.token_bytes(challenge.RANDOM_BYTES),
            now=self._desk.now(),
        )
        return access_key_pb2.AccessKeyChallenge(
            nonce=nonce,
            generation=found.key.generation if live and found.key else nothing,
            expire_time=to_timestamp(end),
        )

    async def claim(self, request: pb.ClaimAccessKeyRequest) -> handover_pb2.Handover:
        """Bind the caller to a handover, or refuse in one way."""
        began, who = self._monotonic(), people.person()
        statement = read_statement(request.claim, AccessKeyClaimStatement)
        await self._limit(who, statement.locator)
        try:
            async with self._desk.database.tenant(who.own) as tx:
                effect = partial(self._claim, tx, who, request, statement)
                again = self._reading.again_for_claimant
                return await repeatable(tx, handover_pb2.Handover, effect, again)
        except _RefusedError as refused:
            waited = await self._refused(statement, refused)
            await asyncio.sleep(max(0.0, began + self._refusal_seconds - self._monotonic()))
            if waited is not None:
                raise _too_many(waited) from None
            raise PermissionDeniedError("the claim is refused", reason="CLAIM_REFUSED") from None

    async def _limit(self, who: Person, locator: int) -> None:
        key = limit_key("claim", who.digest, locator.to_bytes(4, "big"))
        waited = await self._limiter.take(key, GUESSES, fail_closed=True)
        if waited is not None:
            raise _too_many(waited)

    async def _refused(self, statement: AccessKeyClaimStatement, refused: _RefusedError) -> timedelta | None:
        now = self._desk.now()
        async with self._desk.database.tenant(refused.tenant) as tx:
            await proofs.spend(tx, _NONCE, statement.nonce, now + _NONCE_KEPT)
            await access_keys.add_attempt(tx, refused.key_id, refused.reason, now)
        locator = statement.locator.to_bytes(4, "big")
        whose = refused.tenant.bytes if refused.tenant != PLATFORM else b"nobody" + locator
        waits = [
            await self._limiter.take(limit_key("claims of locator", locator), REFUSALS, fail_closed=True),
            await self._limiter.take(limit_key("claims of tenant", whose), REFUSALS, fail_closed=True),
        ]
        return max((each for each in waits if each is not None), default=None)

    async def _find(self, tx: Tx, locator: int, *, lock: bool) -> _Found:
        place = await access_keys.find_locator(tx, locator)
        tenant, project_id, key_id = place or (PLATFORM, _NOBODY, _NOBODY)
        await enter_tenant(tx, tenant)
        project = await (projects.lock if lock else projects.get)(tx, project_id)
        key = await access_keys.get(tx, project_id, key_id)
        return _Found(tenant, project, key, key_id)

    async def _claim(
        self, tx: Tx, who: Person, request: pb.ClaimAccessKeyRequest, statement: AccessKeyClaimStatement
    ) -> handover_pb2.Handover:
        now = self._desk.now()
        account = await people.account(tx, who, now)
        found = await self._find(tx, statement.locator, lock=True)
        fresh = await proofs.spend(tx, _NONCE, statement.nonce, now + _NONCE_KEPT)
        genuine = challenge.is_good(
            self._secret, statement.nonce, locator=statement.locator, subject=who.digest, now=now
        )
        reason = _reason(found, account, statement, request, now, nonce_is_good=fresh and genuine)
        if reason is not None or found.key is None or found.project is None:
            raise _RefusedError(reason or "WRONG_SIGNATURE", found.key_id, found.tenant)
        if not await access_keys.claim(tx, found.key.access_key_id, now):
            raise _RefusedError("ALREADY_CLAIMED", found.key_id, found.tenant)
        bound = await self._bind(tx, found.project, found.key, account, request, statement)
        made = await made_today(tx, bound, now)
        await enter_tenant(tx, who.own)
        await handovers.add_claimed(tx, who.own, bound)
        if account.signing_public_key is None:
            await accounts.set_key(tx, who.own, statement.claimant_public_key, now)
        return to_proto(bound, made_today=made, for_claimant=True)

    async def _bind(
        self,
        tx: Tx,
        project: Project,
        key: AccessKey,
        account: accounts.Account,
        request: pb.ClaimAccessKeyRequest,
        statement: AccessKeyClaimStatement,
    ) -> attempt.Handover:
        now = self._desk.now()
        held = await handovers.get(tx, project.project_id, key.lock_epoch)
        if held is None:
            raise _RefusedError("REVOKED", key.access_key_id, project.tenant_id)
        bound = held.change(
            state=attempt.State.CLAIMED,
            claimant_account_id=account.account_id,
            claimant_subject_digest=account.subject_digest,
            claimant_public_key=statement.claimant_public_key,
            claim=request.claim.SerializeToString(),
            claim_grant=self._locking.grant(held, request.claim),
            claim_time=now,
            expire_time=now + RECEIPT_PERIOD,
        )
        await handovers.save(tx, bound)
        after = project.touch(now, claimed=True)
        await projects.save(tx, after)
        await self._locking.plan_expiry(tx, bound)
        claimed = key.apply(access_key.Event.CLAIM, now=now)
        await self._desk.events.key_changed(tx, after, claimed)
        name = handover_name(project.project_id, bound.lock_epoch)
        await audit.write(tx, project.tenant_id, name, now=now, lock_epoch=bound.lock_epoch, records=[request.claim])
        return bound


def _reason(
    found: _Found,
    account: accounts.Account,
    statement: AccessKeyClaimStatement,
    request: pb.ClaimAccessKeyRequest,
    now: datetime,
    *,
    nonce_is_good: bool,
) -> str | None:
    """Return why a claim is refused; every check is made, whatever the others say."""
    key = found.key
    public_key = key.auth_public_key if key else _KEY_OF_NOBODY
    by_key = is_signed_by(public_key, CONTEXT, request.claim.statement, request.claim.signature)
    by_claimant = is_signed_by(
        statement.claimant_public_key, CLAIMANT_CONTEXT, request.claim.statement, request.claimant_signature
    )
    registered = account.signing_public_key or statement.claimant_public_key
    ours = (
        statement.subject_digest == account.subject_digest
        and statement.claimant_public_key == registered
        and (key is None or statement.generation == key.generation)
    )
    pending = found.project is not None and found.project.state is State.PENDING_HANDOVER
    checks = (
        (key is None or not by_key or not by_claimant, "WRONG_SIGNATURE"),
        (not nonce_is_good, "NONCE"),
        (key is not None and key.state in _ENDED, _ENDED.get(key.state, "") if key else ""),
        (key is not None and key.expire_time <= now, "EXPIRED"),
        (not ours, "MISMATCH"),
        (not pending, "REVOKED"),
    )
    return next((reason for wrong, reason in checks if wrong), None)


def _too_many(waited: timedelta) -> ResourceExhaustedError:
    return ResourceExhaustedError("too many claims", retry_after=waited, quota="claims")
