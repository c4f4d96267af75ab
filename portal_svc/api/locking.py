"""Owns what a lock does on its way in and out: notices, keys, holds. One place for people and for timers."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from ora.portal.v1 import handover_records_pb2 as records

from mesh.db import enter_tenant
from mesh.errors import AlreadyExistsError, InvalidArgumentError
from portal_svc.api.keeping import SUITES
from portal_svc.api.statements import read_statement, require_signed, require_statement
from portal_svc.api.times import to_ms
from portal_svc.domain import access_key
from portal_svc.domain.access_key import CLAIM_PERIOD, AccessKey
from portal_svc.domain.custody import WRAP_KEY_BYTES
from portal_svc.domain.handover import Event
from portal_svc.domain.ids import AccessKeyId, personal_tenant
from portal_svc.signer import Purpose
from portal_svc.store import access_keys, accounts, handovers, projects, tasks

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from ora.common.v1.signed_record_pb2 import SignedRecord
    from ora.portal.v1.access_key_pb2 import AccessKeyMaterial

    from mesh.db import Tx
    from mesh.ids import HubId
    from portal_svc.api.desk import Desk
    from portal_svc.domain.attempt import Handover
    from portal_svc.domain.project import Project
    from portal_svc.store.members import Member

NOTICE: Final = b"ora lock notice v1"
RELEASE: Final = b"ora lock release v1"
GRANT: Final = b"ora claim grant v1"
ENDORSEMENT: Final = b"ora access key endorsement v1"
EXPIRE: Final = "EXPIRE_HANDOVER"
RELEASE_HOLD: Final = "RELEASE_HOLD"
_REASONS: Final = {
    Event.DECLINE: records.LOCK_RELEASE_REASON_DECLINED,
    Event.CANCEL_HANDOVER: records.LOCK_RELEASE_REASON_CANCELLED,
    Event.EXPIRE_HANDOVER: records.LOCK_RELEASE_REASON_EXPIRED,
}
_KEY_EVENTS: Final = {Event.EXPIRE_HANDOVER: access_key.Event.EXPIRE}


class Locking:
    """Issues keys, and releases locks."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def issue(
        self,
        tx: Tx,
        project: Project,
        owner: Member,
        *,
        generation: int,
        material: AccessKeyMaterial,
        period: timedelta | None,
    ) -> AccessKey:
        """Return a new AccessKey for the project's lock epoch, findable by its locator; it is not stored yet."""
        suite, now = SUITES[material.suite], self._desk.now()
        if len(material.wrap_public_key) != WRAP_KEY_BYTES[suite]:
            raise InvalidArgumentError.field("access_key.wrap_public_key", "not as long as its suite says")
        endorsement = await self._endorsement(tx, project, owner, generation, material)
        made = AccessKey(
            access_key_id=AccessKeyId(self._desk.new_id()),
            tenant_id=project.tenant_id,
            project_id=project.project_id,
            lock_epoch=project.lock_epoch,
            generation=generation,
            locator=material.locator,
            auth_public_key=material.auth_public_key,
            suite=suite,
            wrap_public_key=material.wrap_public_key,
            endorsement=endorsement,
            state=access_key.State.ISSUED,
            expire_time=now + (period or CLAIM_PERIOD),
            create_time=now,
        )
        if not await access_keys.list_locator(tx, made):
            raise AlreadyExistsError("another live AccessKey has this locator", reason="LOCATOR_TAKEN")
        return made

    async def _endorsement(
        self, tx: Tx, project: Project, owner: Member, generation: int, material: AccessKeyMaterial
    ) -> bytes | None:
        if not material.HasField("endorsement"):
            return None
        wanted = records.AccessKeyEndorsementStatement(
            hub_id=_hub(project).bytes,
            project_id=project.project_id.bytes,
            lock_epoch=project.lock_epoch,
            generation=generation,
            auth_public_key=material.auth_public_key,
        )
        require_statement(read_statement(material.endorsement, records.AccessKeyEndorsementStatement), wanted)
        own = personal_tenant(owner.subject_digest)
        await enter_tenant(tx, own)
        account = await accounts.get(tx, own)
        await enter_tenant(tx, project.tenant_id)
        key = account.signing_public_key if account else None
        if key is None:
            raise InvalidArgumentError("the owner has no account key", reason="SIGNATURE_INVALID")
        require_signed(key, ENDORSEMENT, material.endorsement)
        return material.endorsement.SerializeToString()

    def notice(self, project: Project, key: AccessKey, mode: str) -> bytes:
        """Return the signed lock notice for the Hub."""
        statement = records.LockNoticeStatement(
            hub_id=_hub(project).bytes,
            project_id=project.project_id.bytes,
            lock_epoch=key.lock_epoch,
            generation=key.generation,
            mode=records.HandoverMode.Value(f"HANDOVER_MODE_{mode}"),
            auth_public_key=key.auth_public_key,
            created_ms=to_ms(self._desk.now()),
            expire_ms=to_ms(key.expire_time),
        )
        return self._desk.signer.sign(Purpose.HANDOVER, NOTICE, statement).SerializeToString()

    def grant(self, handover: Handover, claim: SignedRecord) -> bytes:
        """Return the signed word for the Hub which claim is bound."""
        statement = records.ClaimGrantStatement(
            hub_id=handover.hub_id.bytes,
            project_id=handover.project_id.bytes,
            lock_epoch=handover.lock_epoch,
            generation=handover.generation,
            claim_digest=hashlib.sha256(claim.statement).digest(),
            created_ms=to_ms(self._desk.now()),
        )
        return self._desk.signer.sign(Purpose.HANDOVER, GRANT, statement).SerializeToString()

    async def release(
        self, tx: Tx, project: Project, handover: Handover, event: Event, *, now: datetime
    ) -> tuple[Project, Handover]:
        """End a handover without an owner: DECLINE, CANCEL_HANDOVER or EXPIRE_HANDOVER. The project's row is held."""
        after = project.move(event, now, claimed=False)
        statement = records.LockReleaseStatement(
            hub_id=handover.hub_id.bytes,
            project_id=project.project_id.bytes,
            lock_epoch=handover.lock_epoch,
            reason=_REASONS[event],
            created_ms=to_ms(now),
        )
        signed = self._desk.signer.sign(Purpose.HANDOVER, RELEASE, statement).SerializeToString()
        ended = handover.end(event, now=now, lock_release=signed)
        await self._end_key(tx, project, handover, _KEY_EVENTS.get(event, access_key.Event.REVOKE), now)
        await handovers.save(tx, ended)
        await self._desk.custody.destroy(tx, project)
        await projects.save(tx, after)
        await self.unhold(tx, after, handover.hub_id, now)
        await self._desk.events.state_changed(tx, project.state, after)
        return after, ended

    async def consume(self, tx: Tx, project: Project, handover: Handover, now: datetime) -> None:
        """End the claimed AccessKey of a handover that is complete."""
        await self._end_key(tx, project, handover, access_key.Event.CONSUME, now)

    async def _end_key(
        self, tx: Tx, project: Project, handover: Handover, event: access_key.Event, now: datetime
    ) -> None:
        key = await access_keys.get(tx, project.project_id, handover.access_key_id)
        if key is not None and key.live:
            ended = key.end(event, now=now)
            await access_keys.save(tx, ended)
            await self._desk.events.key_changed(tx, project, ended)
        await access_keys.unlist_locators(tx, project.project_id)
        await tasks.drop(tx, EXPIRE, project.project_id)

    async def unhold(self, tx: Tx, project: Project, hub_id: HubId, now: datetime) -> None:
        """Have the registry let updates go on: at once by who is here, else by the task."""
        await tasks.put(tx, RELEASE_HOLD, project.tenant_id, hub_id, now, now=now, lock_epoch=project.lock_epoch)
        await self._desk.events.hold_changed(tx, project, hub_id, held=False)

    async def plan_expiry(self, tx: Tx, handover: Handover) -> None:
        """Have the handover end by itself at its time."""
        await tasks.put(
            tx,
            EXPIRE,
            handover.tenant_id,
            handover.project_id,
            handover.expire_time,
            now=self._desk.now(),
            lock_epoch=handover.lock_epoch,
        )


def _hub(project: Project) -> HubId:
    if project.hub_id is None:
        raise InvalidArgumentError.field("project", "has no Hub")
    return project.hub_id


def with_key(handover: Handover, key: AccessKey, **changes: Any) -> Handover:
    """Return the handover with another AccessKey."""
    return replace(
        handover,
        access_key_id=key.access_key_id,
        generation=key.generation,
        endorsement=key.endorsement,
        expire_time=key.expire_time,
        revision=handover.revision + 1,
        **changes,
    )
