"""Owns AccountService: what a person may see and settle about themselves. Unpacks, asks domain and store, packs."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from google.api.httpbody_pb2 import HttpBody
from ora.portal.v1 import account_pb2, member_pb2
from ora.portal.v1 import account_service_pb2 as pb
from ora.portal.v1 import account_service_pb2_grpc as rpc
from ora.portal.v1.account_key_statement_pb2 import AccountKeyStatement

from mesh.errors import (
    AlreadyExistsError,
    InvalidArgumentError,
    NotFoundError,
    ResourceExhaustedError,
    StateConflictError,
)
from mesh.signing import is_signed_by
from portal_svc.api import audit, copies, forgetting, pages, people, step_up
from portal_svc.api.names import ACCOUNT, ERASURE_REQUEST, EXPORT, ME, member_name
from portal_svc.api.repeat import repeatable
from portal_svc.api.statements import read_statement, require_signed, require_statement
from portal_svc.api.times import day_of, to_ms, to_timestamp
from portal_svc.api.visiting import visiting
from portal_svc.store import accounts, members, memberships, organizations, tasks, wishes
from portal_svc.store.wishes import Erasure, Export

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ora.common.v1.signed_record_pb2 import SignedRecord

    from mesh.db import Tx
    from portal_svc.api.copies import Copies
    from portal_svc.api.desk import Desk
    from portal_svc.api.forgetting import Forgetting
    from portal_svc.api.people import Person
    from portal_svc.store.accounts import Account

CONTEXT: Final = b"ora account key v1"
EXPORTS: Final = 5
_SKEW_MS: Final = 5 * 60 * 1000
_PIECE: Final = 1 << 16
_FIRST: Final = UUID(int=0)
_ROLE: Final = member_pb2.Member.Role
_STATE: Final = member_pb2.Member.State


class AccountService(rpc.AccountServiceServicer):
    """A person's own account; another's is answered like one that does not exist."""

    def __init__(self, desk: Desk, made: Copies, forgetter: Forgetting) -> None:
        self._desk, self._copies, self._forgetting = desk, made, forgetter

    async def GetAccount(self, request: pb.GetAccountRequest, context: Any) -> account_pb2.Account:
        """Return the caller's account; the first call makes it."""
        del context
        who = people.person()
        async with self._desk.database.tenant(who.own) as tx:
            return _to_proto(_own(await people.account(tx, who, self._desk.now()), request.name))

    async def RegisterAccountKey(self, request: pb.RegisterAccountKeyRequest, context: Any) -> account_pb2.Account:
        """Register the caller's first key."""
        del context
        who = people.person()
        async with self._desk.database.tenant(who.own) as tx:
            effect = partial(self._register, tx, who, request)
            return await repeatable(tx, account_pb2.Account, effect, partial(self._account_again, tx, who))

    async def _register(self, tx: Tx, who: Person, request: pb.RegisterAccountKeyRequest) -> account_pb2.Account:
        held = _own(await people.account(tx, who, self._desk.now()), request.name)
        key = self._key_of(who, request.key)
        if held.signing_public_key not in {None, key}:
            raise AlreadyExistsError("the account has another key", reason="ACCOUNT_KEY_EXISTS")
        return await self._set_key(tx, held, key, request.key)

    async def RotateAccountKey(self, request: pb.RotateAccountKeyRequest, context: Any) -> account_pb2.Account:
        """Put a new key in place of the old one."""
        del context
        who, evidence = people.person(), step_up.demand(request.name)
        async with self._desk.database.tenant(who.own) as tx:
            effect = partial(self._rotate, tx, who, request, evidence)
            return await repeatable(tx, account_pb2.Account, effect, partial(self._account_again, tx, who))

    async def _rotate(
        self, tx: Tx, who: Person, request: pb.RotateAccountKeyRequest, evidence: Any
    ) -> account_pb2.Account:
        held = _own(await people.account(tx, who, self._desk.now()), request.name)
        key, signature = self._key_of(who, request.key), request.previous_key_signature
        before = held.signing_public_key or b""
        if signature and not is_signed_by(before, CONTEXT, request.key.statement, signature):
            raise InvalidArgumentError("the key before did not sign", reason="SIGNATURE_INVALID")
        return await self._set_key(tx, held, key, request.key, await step_up.spend(tx, evidence))

    def _key_of(self, who: Person, record: SignedRecord) -> bytes:
        """Return the key of a statement that is about the caller, fresh, and signed by the key itself."""
        statement = read_statement(record, AccountKeyStatement)
        require_statement(statement, AccountKeyStatement(subject_digest=who.digest))
        if abs(statement.created_ms - to_ms(self._desk.now())) > _SKEW_MS:
            raise InvalidArgumentError(
                "the statement is of another time", reason="STATEMENT_MISMATCH", field="created_ms"
            )
        require_signed(statement.signing_public_key, CONTEXT, record)
        return statement.signing_public_key

    async def _set_key(
        self, tx: Tx, held: Account, key: bytes, record: SignedRecord, *evidence: Any
    ) -> account_pb2.Account:
        now = self._desk.now()
        await accounts.set_key(tx, held.tenant_id, key, now)
        name = ACCOUNT.format(held.account_id)
        await audit.write(tx, held.tenant_id, name, now=now, step_ups=evidence, records=[record])
        return _to_proto(_known(await accounts.get(tx, held.tenant_id)))

    async def ListMemberships(self, request: pb.ListMembershipsRequest, context: Any) -> pb.ListMembershipsResponse:
        """Return one page of the organisations that the caller belongs to."""
        del context
        who, size = people.person(), pages.size_of(request)
        cursor = pages.cursor_of(self._desk, request)
        async with self._desk.database.tenant(who.own, read_only=True) as tx:
            if await _listed(tx, who, request.parent) is None:
                return pb.ListMembershipsResponse()
            found = await memberships.page(tx, who.own, UUID(cursor[0]) if cursor else _FIRST, size + 1)
            packed = []
            for tenant, member_id in found[:size]:
                async with visiting(tx, tenant, back=who.own):
                    organization, member = await organizations.get(tx, tenant), await members.get(tx, member_id)
                if organization is None or member is None:
                    continue
                packed.append(
                    account_pb2.Membership(
                        member=member_name(tenant, member_id),
                        organization_display_name=organization.display_name,
                        role=_ROLE.Value(f"ROLE_{member.role}"),
                        state=_STATE.Value(f"STATE_{member.state}"),
                    )
                )
        last = found[:size][-1][:1] if found else ()
        return pb.ListMembershipsResponse(
            memberships=packed, next_page_token=pages.token(self._desk, request, found, *last)
        )

    async def CreateDataExport(self, request: pb.CreateDataExportRequest, context: Any) -> account_pb2.DataExport:
        """Have a copy made of what is held on the caller."""
        del context
        who = people.person()
        async with self._desk.database.tenant(who.own) as tx:
            effect = partial(self._export, tx, who, request.parent)
            return await repeatable(tx, account_pb2.DataExport, effect, partial(self._export_again, tx, who))

    async def _export(self, tx: Tx, who: Person, parent: str) -> account_pb2.DataExport:
        now = self._desk.now()
        held = _own(await people.account(tx, who, now), parent, field="parent")
        if await wishes.count_exports(tx, who.own) >= EXPORTS:
            raise ResourceExhaustedError("no further copy", reason="QUOTA_EXCEEDED", quota="exports", limit=EXPORTS)
        made = Export(export_id=self._desk.new_id(), tenant_id=who.own, create_time=now)
        await wishes.insert_export(tx, made)
        await tasks.put(tx, copies.MAKE, who.own, made.export_id, now, now=now)
        await audit.write(tx, who.own, EXPORT.format(held.account_id, made.export_id), now=now)
        return _export_to_proto(held, made)

    async def GetDataExport(self, request: pb.GetDataExportRequest, context: Any) -> account_pb2.DataExport:
        """Return the state of a copy."""
        del context
        who = people.person()
        async with self._desk.database.tenant(who.own, read_only=True) as tx:
            return _export_to_proto(*await _named_export(tx, who, request.name))

    async def ListDataExports(self, request: pb.ListDataExportsRequest, context: Any) -> pb.ListDataExportsResponse:
        """Return one page of copies, newest first."""
        del context
        who, size = people.person(), pages.size_of(request)
        async with self._desk.database.tenant(who.own, read_only=True) as tx:
            held = await _listed(tx, who, request.parent)
            if held is None:
                return pb.ListDataExportsResponse()
            found = await wishes.page_exports(tx, who.own, self._after(request), size + 1)
        page = found[:size]
        last = (page[-1].create_time.isoformat(), page[-1].export_id) if page else ()
        return pb.ListDataExportsResponse(
            data_exports=[_export_to_proto(held, each) for each in page],
            next_page_token=pages.token(self._desk, request, found, *last),
        )

    async def DownloadDataExport(self, request: pb.DownloadDataExportRequest, context: Any) -> AsyncIterator[HttpBody]:
        """Stream a copy; that it was asked for is in the audit first."""
        del context
        who, now = people.person(), self._desk.now()
        async with self._desk.database.tenant(who.own) as tx:
            held, export = await _named_export(tx, who, request.name)
            if export.state != "READY" or export.expire_time is None or export.expire_time <= now:
                raise StateConflictError("the export is not ready, or destroyed", reason="EXPORT_NOT_READY")
            copy = await self._copies.vault.open(export)
            await audit.write(tx, who.own, EXPORT.format(held.account_id, export.export_id), now=now)
        for start in range(0, len(copy), _PIECE):
            yield HttpBody(content_type="application/json", data=copy[start : start + _PIECE])

    async def CreateErasureRequest(
        self, request: pb.CreateErasureRequestRequest, context: Any
    ) -> account_pb2.ErasureRequest:
        """Have everything about the caller erased, 24 hours later."""
        del context
        who, evidence = people.person(), step_up.demand(request.parent)
        async with self._desk.database.tenant(who.own) as tx:
            effect = partial(self._wish, tx, who, request.parent, evidence)
            return await repeatable(tx, account_pb2.ErasureRequest, effect, partial(self._erasure_again, tx, who))

    async def _wish(self, tx: Tx, who: Person, parent: str, evidence: Any) -> account_pb2.ErasureRequest:
        now = self._desk.now()
        held = _own(await people.account(tx, who, now), parent, field="parent")
        if await wishes.scheduled(tx, who.own) is not None:
            raise StateConflictError("an erasure is scheduled", reason="ERASURE_OBSTACLE", obstacle="ALREADY_SCHEDULED")
        await self._forgetting.require_no_obstacle(tx, who.own)
        start = now + forgetting.PAUSE
        made = Erasure(request_id=self._desk.new_id(), tenant_id=who.own, start_time=start, create_time=now)
        await wishes.insert_erasure(tx, made)
        await tasks.put(tx, forgetting.ERASE, who.own, made.request_id, start, now=now)
        name = ERASURE_REQUEST.format(held.account_id, made.request_id)
        await audit.write(tx, who.own, name, now=now, step_ups=[await step_up.spend(tx, evidence)])
        return _erasure_to_proto(held, made)

    async def GetErasureRequest(self, request: pb.GetErasureRequestRequest, context: Any) -> account_pb2.ErasureRequest:
        """Return the state of an erasure."""
        del context
        who = people.person()
        async with self._desk.database.tenant(who.own, read_only=True) as tx:
            return _erasure_to_proto(*await _named_erasure(tx, who, request.name))

    async def ListErasureRequests(
        self, request: pb.ListErasureRequestsRequest, context: Any
    ) -> pb.ListErasureRequestsResponse:
        """Return one page of erasures, newest first."""
        del context
        who, size = people.person(), pages.size_of(request)
        async with self._desk.database.tenant(who.own, read_only=True) as tx:
            held = await _listed(tx, who, request.parent)
            if held is None:
                return pb.ListErasureRequestsResponse()
            found = await wishes.page_erasures(tx, who.own, self._after(request), size + 1)
        page = found[:size]
        last = (page[-1].create_time.isoformat(), page[-1].request_id) if page else ()
        return pb.ListErasureRequestsResponse(
            erasure_requests=[_erasure_to_proto(held, each) for each in page],
            next_page_token=pages.token(self._desk, request, found, *last),
        )

    async def CancelErasureRequest(
        self, request: pb.CancelErasureRequestRequest, context: Any
    ) -> account_pb2.ErasureRequest:
        """Take an erasure back that has not begun."""
        del context
        who = people.person()
        async with self._desk.database.tenant(who.own) as tx:
            effect = partial(self._cancel, tx, who, request.name)
            return await repeatable(tx, account_pb2.ErasureRequest, effect, partial(self._erasure_again, tx, who))

    async def _cancel(self, tx: Tx, who: Person, name: str) -> account_pb2.ErasureRequest:
        held, wish = await _named_erasure(tx, who, name, held=True)
        if wish.state != "SCHEDULED":
            raise StateConflictError("the erasure was taken back", state=wish.state, event="CANCEL")
        await wishes.cancel_erasure(tx, wish)
        await tasks.drop(tx, forgetting.ERASE, wish.request_id)
        now = self._desk.now()
        await audit.write(tx, who.own, ERASURE_REQUEST.format(held.account_id, wish.request_id), now=now)
        return _erasure_to_proto(*await _named_erasure(tx, who, name))

    def _after(self, request: Any) -> tuple[datetime, UUID] | None:
        cursor = pages.cursor_of(self._desk, request)
        return (datetime.fromisoformat(cursor[0]), UUID(cursor[1])) if cursor else None

    async def _account_again(self, tx: Tx, who: Person, kept: account_pb2.Account) -> account_pb2.Account:
        del kept
        return _to_proto(_known(await accounts.get(tx, who.own)))

    async def _export_again(self, tx: Tx, who: Person, kept: account_pb2.DataExport) -> account_pb2.DataExport:
        return _export_to_proto(*await _named_export(tx, who, kept.name))

    async def _erasure_again(self, tx: Tx, who: Person, kept: account_pb2.ErasureRequest) -> account_pb2.ErasureRequest:
        return _erasure_to_proto(*await _named_erasure(tx, who, kept.name))


def _own(held: Account, name: str, *, field: str = "name") -> Account:
    """Return the caller's account if ``name`` is it; another's is answered like none."""
    if name != ME and ACCOUNT.parse_one(name, field=field) != held.account_id:
        raise _unknown()
    return held


async def _listed(tx: Tx, who: Person, parent: str) -> Account | None:
    """Return the caller's account, whose things are listed; None: nobody has seen them yet, so there is nothing."""
    held = await accounts.get(tx, who.own)
    return None if held is None and parent == ME else _own(_known(held), parent, field="parent")


async def _mine(tx: Tx, who: Person, name: str) -> tuple[Account, str]:
    """Return the caller's account, and the name of something of theirs with its id in place of ``me``."""
    held = _known(await accounts.get(tx, who.own))
    own = ACCOUNT.format(held.account_id)
    whole = own + name.removeprefix(ME) if name.startswith(f"{ME}/") else name
    if not whole.startswith(f"{own}/"):
        raise _unknown()
    return held, whole


async def _named_export(tx: Tx, who: Person, name: str) -> tuple[Account, Export]:
    held, whole = await _mine(tx, who, name)
    found = await wishes.get_export(tx, who.own, EXPORT.parse(whole)[1])
    if found is None:
        raise NotFoundError("there is no such export")
    return held, found


async def _named_erasure(tx: Tx, who: Person, name: str, *, held: bool = False) -> tuple[Account, Erasure]:
    account, whole = await _mine(tx, who, name)
    found = await wishes.get_erasure(tx, who.own, ERASURE_REQUEST.parse(whole)[1], held=held)
    if found is None:
        raise NotFoundError("there is no such erasure")
    return account, found


def _known(found: Account | None) -> Account:
    if found is None:
        raise _unknown()
    return found


def _unknown() -> NotFoundError:
    return NotFoundError("there is no such account")


def _to_proto(each: Account) -> account_pb2.Account:
    return account_pb2.Account(
        name=ACCOUNT.format(each.account_id),
        issuer=each.issuer,
        subject=each.subject,
        signing_public_key=each.signing_public_key or b"",
        key_time=to_timestamp(each.key_time),
        create_day=day_of(each.create_day),
    )


def _export_to_proto(held: Account, each: Export) -> account_pb2.DataExport:
    return account_pb2.DataExport(
        name=EXPORT.format(held.account_id, each.export_id),
        state=account_pb2.DataExport.State.Value(f"STATE_{each.state}"),
        size_bytes=each.size_bytes,
        digest=each.digest or b"",
        create_time=to_timestamp(each.create_time),
        expire_time=to_timestamp(each.expire_time),
    )


def _erasure_to_proto(held: Account, each: Erasure) -> account_pb2.ErasureRequest:
    return account_pb2.ErasureRequest(
        name=ERASURE_REQUEST.format(held.account_id, each.request_id),
        state=account_pb2.ErasureRequest.State.Value(f"STATE_{each.state}"),
        start_time=to_timestamp(each.start_time),
        create_time=to_timestamp(each.create_time),
    )
