"""Owns what the handover does with custody: asks, seals anew, destroys. The room behind the ``Custody`` seam.

A data key is destroyed after the commit that made it useless, never before it, by a task that a dead node cannot lose;
what it opened is gone with the commit.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

from mesh.errors import AbortedError, InvalidArgumentError, StateConflictError
from portal_svc.domain import custody as domain
from portal_svc.domain.custody import NO_APPROVAL, NO_RELEASE, Custody, Event, Place, State
from portal_svc.store import custody as store
from portal_svc.store import projects, tasks

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from ora.portal.v1.custody_pb2 import SealedProjectKey

    from mesh.clock import Now
    from mesh.db import Tx
    from portal_svc.api.events import ProjectEvents
    from portal_svc.custody_vault import CustodyVault
    from portal_svc.domain.access_key import AccessKey
    from portal_svc.domain.project import Project
    from portal_svc.store.tasks import Task

DESTROY: Final = "DESTROY_CUSTODY"
SUITES: Final = {1: "MLKEM768_X25519", 2: "X25519"}


class Keeping:
    """Project Keys in custody, for the rest of the portal."""

    def __init__(self, vault: CustodyVault, events: ProjectEvents, *, now: Now) -> None:
        self._vault, self._events, self._now = vault, events, now

    async def is_sealed_for(self, tx: Tx, project: Project, key: AccessKey) -> bool:
        """Say whether the Project Key is in custody, sealed to this AccessKey for its lock epoch."""
        held = await store.get(tx, project.project_id)
        return held is not None and held.is_for(key)

    async def seal(
        self, tx: Tx, project: Project, inner: SealedProjectKey, wrap_public_key: bytes, event: Event = Event.SEAL
    ) -> Custody:
        """Put a Project Key into custody, in place of what is there, whose data key is then to be destroyed."""
        suite, now = SUITES[inner.suite], self._now()
        if len(inner.encapsulated_key) != domain.ENCAPSULATED_BYTES[suite]:
            raise InvalidArgumentError.field("sealed_project_key.encapsulated_key", "not as long as its suite says")
        if len(wrap_public_key) != domain.WRAP_KEY_BYTES[suite]:
            raise InvalidArgumentError.field("wrap_public_key", "not as long as its suite says")
        place = Place(
            tenant_id=project.tenant_id,
            project_id=project.project_id,
            generation=inner.generation,
            lock_epoch=inner.lock_epoch,
        )
        before = await store.get(tx, project.project_id)
        sealed, data_key = await self._vault.seal(place, inner)
        values: dict[str, Any] = {
            "lock_epoch": place.lock_epoch,
            "generation": place.generation,
            "suite": suite,
            "wrap_key_digest": hashlib.sha256(wrap_public_key).digest(),
            "sealed": sealed,
            "data_key": data_key,
            "seal_time": now,
        }
        if before is None:
            made = Custody(project_id=project.project_id, tenant_id=project.tenant_id, state=State.SEALED, **values)
        else:
            made = before.apply(event, **values, **NO_APPROVAL, **NO_RELEASE)
            await self._bury(tx, before, now)
        await store.put(tx, made)
        await self._events.custody_changed(tx, project, made)
        return made

    async def reseal(self, tx: Tx, project: Project, key: AccessKey, sealed: SealedProjectKey) -> None:
        """Put the Project Key, sealed to a newer AccessKey, in place of what is there."""
        held = await store.get(tx, project.project_id)
        if held is None or held.state is not State.SEALED or held.lock_epoch != key.lock_epoch:
            raise StateConflictError("nothing is in custody", reason="CUSTODY_NOT_SEALED")
        require_place(sealed, key.lock_epoch, key.generation)
        if SUITES[sealed.suite] != key.suite:
            raise InvalidArgumentError.field("sealed_project_key.suite", "not the AccessKey's")
        await self.seal(tx, project, sealed, key.wrap_public_key, Event.RESEAL)

    async def destroy(self, tx: Tx, project: Project) -> None:
        """Destroy what is in custody, if anything is."""
        held = await store.get(tx, project.project_id)
        if held is not None and held.state is not State.DESTROYED:
            await self.end(tx, project, held)

    async def end(self, tx: Tx, project: Project, held: Custody) -> Custody:
        """Destroy what is in custody."""
        now = self._now()
        ended = held.without_approval(Event.DESTROY, sealed=None, data_key=None, destroy_time=now)
        await self._bury(tx, held, now)
        await store.put(tx, ended)
        await self._events.custody_changed(tx, project, ended)
        return ended

    async def erase(self, tx: Tx, project: Project) -> Mapping[str, int]:
        """Destroy every trace of custody; return how many of each store. What it opened is over for good by now."""
        held = await store.get(tx, project.project_id)
        dead = await store.buried(tx, project.project_id)
        if held is not None and held.data_key is not None:
            dead.append((held.place, held.data_key))
        for place, data_key in dead:
            await self._vault.destroy(place, data_key)
            await store.forget_buried(tx, project.project_id, data_key)
        await tasks.drop(tx, DESTROY, project.project_id)
        return {"portal.custody": await store.forget(tx, project.project_id), "custody data keys": len(dead)}

    async def after_release(self, tx: Tx, held: Custody) -> None:
        """Have the data key destroyed when the time for a retry is over."""
        until = held.retry_until_time
        if until is not None:
            await tasks.put(tx, DESTROY, held.tenant_id, held.project_id, until, now=self._now())

    async def work(self, tx: Tx, task: Task, now: datetime) -> Custody | None:
        """Do what is due: end a release whose time is over, destroy data keys. Return custody if it was ended."""
        project = await projects.lock(tx, task.subject_id)
        if project is None:
            return None
        held = await store.get(tx, project.project_id)
        if held is not None and held.state is State.RELEASED and held.retry_until_time is not None:
            if held.retry_until_time <= now:
                # The data key itself goes after this is committed: the task is due again.
                return await self.end(tx, project, held)
            await self.after_release(tx, held)
        for place, data_key in await store.buried(tx, task.subject_id):
            await self._vault.destroy(place, data_key)
            await store.forget_buried(tx, task.subject_id, data_key)
        return None

    async def rewrap(self, tx: Tx, project: Project) -> None:
        """Wrap the data key under the newest root key."""
        held = await store.get(tx, project.project_id)
        blob = None if held is None else await self._vault.rewrap(held)
        if held is not None and blob is not None:
            await store.rewrap(tx, held, blob)

    async def _bury(self, tx: Tx, held: Custody, now: datetime) -> None:
        if held.data_key is not None:
            await store.bury(tx, held.place, held.data_key)
            await tasks.put(tx, DESTROY, held.tenant_id, held.project_id, now, now=now)


def require_place(sealed: SealedProjectKey, lock_epoch: int, generation: int) -> None:
    """Refuse what is sealed for another lock or another AccessKey."""
    if sealed.lock_epoch != lock_epoch:
        raise AbortedError("it is sealed for another lock", reason="LOCK_EPOCH_MISMATCH", lock_epoch=lock_epoch)
    if sealed.generation != generation:
        raise InvalidArgumentError("it is sealed for another AccessKey", reason="GENERATION_MISMATCH")
