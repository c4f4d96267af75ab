"""Owns ChecklistItemService: what is to do before a project is ready. Unpacks, asks domain and store, packs."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from google.protobuf.empty_pb2 import Empty
from ora.events.v1.portal_events_pb2 import PROJECT_OBJECT_KIND_CHECKLIST
from ora.portal.v1 import checklist_item_pb2
from ora.portal.v1 import checklist_item_service_pb2 as pb
from ora.portal.v1 import checklist_item_service_pb2_grpc as rpc

from mesh.call import current_call
from mesh.errors import InvalidArgumentError, NotFoundError, StateConflictError
from portal_svc.api import access, audit, masks, pages
from portal_svc.api.names import CHECKLIST_ITEM, PROJECT, member_name
from portal_svc.api.repeat import repeatable
from portal_svc.api.times import to_timestamp
from portal_svc.domain import handover
from portal_svc.domain.etags import check_etag
from portal_svc.domain.handover import State
from portal_svc.domain.ids import ChecklistItemId
from portal_svc.store import checklist_items as store
from portal_svc.store import projects
from portal_svc.store.checklist_items import ChecklistItem
from portal_svc.vault import open_item, seal_item

if TYPE_CHECKING:
    from collections.abc import Callable

    from mesh.db import Tx
    from portal_svc.api.access import Seen
    from portal_svc.api.desk import Desk

    Change = Callable[[Seen, ChecklistItem, checklist_item_pb2.ChecklistItem], ChecklistItem]

_STATE: Final = checklist_item_pb2.ChecklistItem.State
_CHANGEABLE: Final = ("title", "description", "note", "position")
_STEP: Final = 1000
_LAST: Final = 2**32 - 1
_FIRST: Final = (-1, UUID(int=0))


class ChecklistItemService(rpc.ChecklistItemServiceServicer):
    """Checklists. Changed in DRAFT and INSTALLING alone."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def CreateChecklistItem(
        self, request: pb.CreateChecklistItemRequest, context: Any
    ) -> checklist_item_pb2.ChecklistItem:
        """Add an item that no template asked for."""
        del context
        project_id = PROJECT.parse_one(request.parent, field="parent")
        async with self._desk.database.tenant(current_call().tenant) as tx:
            effect = partial(self._create, tx, project_id, request.checklist_item)
            return await repeatable(tx, checklist_item_pb2.ChecklistItem, effect, partial(self._again, tx))

    async def _create(
        self, tx: Tx, project_id: UUID, given: checklist_item_pb2.ChecklistItem
    ) -> checklist_item_pb2.ChecklistItem:
        seen = await _editing(tx, project_id)
        item_id = ChecklistItemId(self._desk.new_id())
        key = await self._desk.vault.open_key(seen.project)
        made = ChecklistItem(
            checklist_item_id=item_id,
            tenant_id=seen.project.tenant_id,
            project_id=seen.project.project_id,
            required=False,
            place=given.position or min(await store.last_place(tx, project_id) + _STEP, _LAST),
            state="OPEN",
            sealed=seal_item(key, item_id, given),
        )
        await store.insert(tx, made)
        await self._tell(tx, seen, made, made.revision)
        return _to_proto(made, open_item(key, item_id, made.sealed))

    async def GetChecklistItem(
        self, request: pb.GetChecklistItemRequest, context: Any
    ) -> checklist_item_pb2.ChecklistItem:
        """Return one item."""
        del context
        project_id, item_id = CHECKLIST_ITEM.parse(request.name)
        async with self._desk.database.tenant(current_call().tenant, read_only=True) as tx:
            return await self._shown(tx, await access.read(tx, project_id), item_id)

    async def ListChecklistItems(
        self, request: pb.ListChecklistItemsRequest, context: Any
    ) -> pb.ListChecklistItemsResponse:
        """Return one page of items, by their place."""
        del context
        project_id = PROJECT.parse_one(request.parent, field="parent")
        cursor = pages.cursor_of(self._desk, request)
        after = (int(cursor[0]), UUID(cursor[1])) if cursor else _FIRST
        states = [_STATE.Name(each).removeprefix("STATE_") for each in request.states]
        async with self._desk.database.tenant(current_call().tenant, read_only=True) as tx:
            seen = await access.read(tx, project_id)
            found = await store.page(tx, project_id, after, states=states, limit=pages.size_of(request) + 1)
        key = await self._desk.vault.open_key(seen.project)
        shown = found[: pages.size_of(request)]
        last = (shown[-1].place, shown[-1].checklist_item_id) if shown else ()
        return pb.ListChecklistItemsResponse(
            checklist_items=[_to_proto(each, open_item(key, each.checklist_item_id, each.sealed)) for each in shown],
            next_page_token=pages.token(self._desk, request, found, *last),
        )

    async def UpdateChecklistItem(
        self, request: pb.UpdateChecklistItemRequest, context: Any
    ) -> checklist_item_pb2.ChecklistItem:
        """Change what an item says, or where it stands."""
        del context
        given = request.checklist_item
        changed = masks.paths(request.update_mask, given, _CHANGEABLE)

        def change(seen: Seen, item: ChecklistItem, texts: checklist_item_pb2.ChecklistItem) -> ChecklistItem:
            del seen
            for path in changed:
                masks.take(given, texts, path)
            if not texts.title:
                raise InvalidArgumentError.field("checklist_item.title", "is required")
            return replace(item, place=given.position if "position" in changed else item.place)

        return await self._change(given.name, given.etag, change, field="checklist_item.name")

    async def DeleteChecklistItem(self, request: pb.DeleteChecklistItemRequest, context: Any) -> Empty:
        """Remove an item that is not required."""
        del context
        project_id, item_id = CHECKLIST_ITEM.parse(request.name)
        async with self._desk.database.tenant(current_call().tenant) as tx:
            return await repeatable(tx, Empty, partial(self._delete, tx, request, project_id, item_id), _as_it_was)

    async def _delete(self, tx: Tx, request: pb.DeleteChecklistItemRequest, project_id: UUID, item_id: UUID) -> Empty:
        seen = await _editing(tx, project_id)
        held = _known(await store.get(tx, project_id, item_id))
        check_etag(request.etag, held.revision)
        if held.required:
            raise _required()
        await store.delete(tx, held.checklist_item_id)
        await self._tell(tx, seen, held, 0)
        return Empty()

    async def CompleteChecklistItem(
        self, request: pb.CompleteChecklistItemRequest, context: Any
    ) -> checklist_item_pb2.ChecklistItem:
        """Say that an item is done."""
        del context
        return await self._close(request, "DONE")

    async def SkipChecklistItem(
        self, request: pb.SkipChecklistItemRequest, context: Any
    ) -> checklist_item_pb2.ChecklistItem:
        """Say that an item does not apply."""
        del context
        return await self._close(request, "SKIPPED")

    async def ReopenChecklistItem(
        self, request: pb.ReopenChecklistItemRequest, context: Any
    ) -> checklist_item_pb2.ChecklistItem:
        """Say that an item is to do after all."""
        del context
        return await self._close(request, "OPEN")

    async def _close(
        self,
        request: pb.CompleteChecklistItemRequest | pb.SkipChecklistItemRequest | pb.ReopenChecklistItemRequest,
        state: str,
    ) -> checklist_item_pb2.ChecklistItem:
        def change(seen: Seen, item: ChecklistItem, texts: checklist_item_pb2.ChecklistItem) -> ChecklistItem:
            if state == "SKIPPED" and item.required:
                raise _required()
            texts.note = request.note or texts.note
            member = seen.caller.member
            closed = state != "OPEN"
            return replace(
                item,
                state=state,
                closer_member_id=member.member_id if closed and member else None,
                close_time=self._desk.now() if closed else None,
            )

        return await self._change(request.name, request.etag, change)

    async def _change(
        self, name: str, etag: str, change: Change, field: str = "name"
    ) -> checklist_item_pb2.ChecklistItem:
        project_id, item_id = CHECKLIST_ITEM.parse(name, field=field)
        async with self._desk.database.tenant(current_call().tenant) as tx:
            effect = partial(self._changed, tx, project_id, item_id, etag, change)
            return await repeatable(tx, checklist_item_pb2.ChecklistItem, effect, partial(self._again, tx))

    async def _changed(
        self, tx: Tx, project_id: UUID, item_id: UUID, etag: str, change: Change
    ) -> checklist_item_pb2.ChecklistItem:
        seen = await _editing(tx, project_id)
        held = _known(await store.get(tx, project_id, item_id))
        check_etag(etag, held.revision)
        key = await self._desk.vault.open_key(seen.project)
        texts = open_item(key, item_id, held.sealed)
        changed = change(seen, held, texts)
        after = replace(changed, sealed=seal_item(key, item_id, texts), revision=held.revision + 1)
        await store.save(tx, after)
        await self._tell(tx, seen, after, after.revision)
        return _to_proto(after, texts)

    async def _tell(self, tx: Tx, seen: Seen, item: ChecklistItem, revision: int) -> None:
        now = self._desk.now()
        after = seen.project.touch(now)
        await projects.save(tx, after)
        kind = PROJECT_OBJECT_KIND_CHECKLIST
        await self._desk.events.object_changed(tx, after, kind, item.checklist_item_id, revision)
        name = CHECKLIST_ITEM.format(item.project_id, item.checklist_item_id)
        await audit.write(tx, after.tenant_id, name, now=now, lock_epoch=after.lock_epoch)

    async def _again(self, tx: Tx, kept: checklist_item_pb2.ChecklistItem) -> checklist_item_pb2.ChecklistItem:
        project_id, item_id = CHECKLIST_ITEM.parse(kept.name)
        return await self._shown(tx, await access.read(tx, project_id), item_id)

    async def _shown(self, tx: Tx, seen: Seen, item_id: UUID) -> checklist_item_pb2.ChecklistItem:
        found = _known(await store.get(tx, seen.project.project_id, item_id))
        key = await self._desk.vault.open_key(seen.project)
        return _to_proto(found, open_item(key, item_id, found.sealed))


async def _as_it_was(kept: Empty) -> Empty:
    return kept


async def _editing(tx: Tx, project_id: UUID) -> Seen:
    seen = await access.change(tx, project_id)
    seen.require_editor()
    if seen.project.state is State.READY:
        raise handover.refusal(State.READY, "EDIT_CHECKLIST", lock_epoch=seen.project.lock_epoch)
    return seen


def _known(item: ChecklistItem | None) -> ChecklistItem:
    if item is None:
        raise NotFoundError("there is no such checklist item")
    return item


def _required() -> StateConflictError:
    return StateConflictError("the item is required", reason="ITEM_REQUIRED")


def _to_proto(item: ChecklistItem, texts: checklist_item_pb2.ChecklistItem) -> checklist_item_pb2.ChecklistItem:
    return checklist_item_pb2.ChecklistItem(
        name=CHECKLIST_ITEM.format(item.project_id, item.checklist_item_id),
        title=texts.title,
        description=texts.description,
        note=texts.note,
        required=item.required,
        position=item.place,
        state=_STATE.Value(f"STATE_{item.state}"),
        closer=member_name(item.tenant_id, item.closer_member_id),
        close_time=to_timestamp(item.close_time),
        etag=item.etag,
    )
