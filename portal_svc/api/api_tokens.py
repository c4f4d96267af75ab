"""Owns ApiTokenService: an organisation's own software, let in. Unpacks, asks domain and store, packs."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from ora.portal.v1 import api_token_pb2
from ora.portal.v1 import api_token_service_pb2 as pb
from ora.portal.v1 import api_token_service_pb2_grpc as rpc

from mesh.errors import InvalidArgumentError, NotFoundError, ResourceExhaustedError, UnauthenticatedError
from mesh.identity import ApiClient
from portal_svc.api import audit, pages, people, step_up
from portal_svc.api.names import API_TOKEN, ORGANIZATION, member_name
from portal_svc.api.repeat import repeatable
from portal_svc.api.times import day_of, from_field, to_timestamp
from portal_svc.domain import tokens
from portal_svc.store import api_tokens as store
from portal_svc.store import members, organizations
from portal_svc.store.api_tokens import ApiToken

if TYPE_CHECKING:
    from mesh.clock import Now
    from mesh.db import Database, Tx
    from portal_svc.api.desk import Desk

QUOTA: Final = 50
_SHORTEST: Final = timedelta(hours=1)
_LONGEST: Final = timedelta(days=366)
_STATE: Final = api_token_pb2.ApiToken.State


class ApiTokenService(rpc.ApiTokenServiceServicer):
    """API tokens. Each is shown once."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def CreateApiToken(self, request: pb.CreateApiTokenRequest, context: Any) -> api_token_pb2.ApiToken:
        """Make a token and show it once."""
        del context
        tenant = people.own_organization(ORGANIZATION.parse_one(request.parent, field="parent"))
        evidence = step_up.demand(request.parent)
        async with self._desk.database.tenant(tenant) as tx:
            effect = partial(self._create, tx, request.api_token, evidence)
            return await repeatable(tx, api_token_pb2.ApiToken, effect, partial(self._again, tx))

    async def _create(self, tx: Tx, given: api_token_pb2.ApiToken, evidence: Any) -> api_token_pb2.ApiToken:
        caller, now = await people.acting(tx), self._desk.now()
        caller.require_admin()
        unknown = sorted(set(given.scopes) - tokens.SCOPES)
        if unknown:
            raise InvalidArgumentError("a scope is unknown", reason="SCOPE_NOT_GRANTABLE", scope=unknown[0])
        expire = from_field(given, "expire_time") or now
        if not now + _SHORTEST <= expire <= now + _LONGEST:
            raise InvalidArgumentError.field("api_token.expire_time", "1 hour to 366 days from now")
        await members.take_turns(tx, caller.tenant)
        if await store.count_active(tx, caller.tenant, now) >= QUOTA:
            raise ResourceExhaustedError("no further token", reason="QUOTA_EXCEEDED", quota="apiTokens", limit=QUOTA)
        new = tokens.new_token()
        made = ApiToken(
            api_token_id=self._desk.new_id(),
            tenant_id=caller.tenant,
            token_id=new.token_id,
            secret_digest=tokens.token_digest(new.text),
            display_name=given.display_name,
            scopes=sorted(given.scopes),
            creator_member_id=caller.member.member_id if caller.member else None,
            expire_time=expire,
            create_time=now,
        )
        await store.insert(tx, made)
        name = API_TOKEN.format(made.tenant_id, made.api_token_id)
        await audit.write(tx, caller.tenant, name, now=now, step_ups=[await step_up.spend(tx, evidence)])
        return self._to_proto(made, new.text)

    async def GetApiToken(self, request: pb.GetApiTokenRequest, context: Any) -> api_token_pb2.ApiToken:
        """Return one token, without its secret."""
        del context
        organization, api_token_id = API_TOKEN.parse(request.name)
        async with self._desk.database.tenant(people.own_organization(organization), read_only=True) as tx:
            (await people.caller(tx)).require_admin()
            return self._to_proto(_known(await store.get(tx, api_token_id)))

    async def ListApiTokens(self, request: pb.ListApiTokensRequest, context: Any) -> pb.ListApiTokensResponse:
        """Return one page of tokens, newest first."""
        del context
        tenant = people.own_organization(ORGANIZATION.parse_one(request.parent, field="parent"))
        cursor, size = pages.cursor_of(self._desk, request), pages.size_of(request)
        states = [_STATE.Name(each).removeprefix("STATE_") for each in request.states]
        async with self._desk.database.tenant(tenant, read_only=True) as tx:
            (await people.caller(tx)).require_admin()
            after = (datetime.fromisoformat(cursor[0]), UUID(cursor[1])) if cursor else None
            found = await store.page(tx, tenant, after, now=self._desk.now(), states=states, limit=size + 1)
        page = found[:size]
        last = (page[-1].create_time.isoformat(), page[-1].api_token_id) if page else ()
        return pb.ListApiTokensResponse(
            api_tokens=map(self._to_proto, page), next_page_token=pages.token(self._desk, request, found, *last)
        )

    async def RevokeApiToken(self, request: pb.RevokeApiTokenRequest, context: Any) -> api_token_pb2.ApiToken:
        """Make a token useless, at once."""
        del context
        organization, api_token_id = API_TOKEN.parse(request.name)
        async with self._desk.database.tenant(people.own_organization(organization)) as tx:
            effect = partial(self._revoke, tx, api_token_id)
            return await repeatable(tx, api_token_pb2.ApiToken, effect, partial(self._again, tx))

    async def _revoke(self, tx: Tx, api_token_id: UUID) -> api_token_pb2.ApiToken:
        caller, now = await people.caller(tx), self._desk.now()
        caller.require_admin()
        held = _known(await store.lock(tx, api_token_id))
        if held.revoke_time is None:
            await store.revoke(tx, held, now)
            await audit.write(tx, caller.tenant, API_TOKEN.format(held.tenant_id, api_token_id), now=now)
        return self._to_proto(_known(await store.get(tx, api_token_id)))

    async def _again(self, tx: Tx, kept: api_token_pb2.ApiToken) -> api_token_pb2.ApiToken:
        (await people.caller(tx)).require_admin()
        return self._to_proto(_known(await store.get(tx, API_TOKEN.parse(kept.name)[1])))

    def _to_proto(self, each: ApiToken, text: str = "") -> api_token_pb2.ApiToken:
        return api_token_pb2.ApiToken(
            name=API_TOKEN.format(each.tenant_id, each.api_token_id),
            display_name=each.display_name,
            scopes=each.scopes,
            state=_STATE.Value(f"STATE_{each.state(self._desk.now())}"),
            token=text,
            token_id=each.token_id.hex(),
            creator=member_name(each.tenant_id, each.creator_member_id),
            expire_time=to_timestamp(each.expire_time),
            last_use_day=day_of(each.last_use_day) if each.last_use_day else None,
            create_time=to_timestamp(each.create_time),
            revoke_time=to_timestamp(each.revoke_time),
        )


class TokenVerifier:
    """Believes API tokens, for the identity stage of the server. It says of none why it is not believed."""

    def __init__(self, database: Database, *, now: Now) -> None:
        self._database, self._now = database, now

    async def verify(self, token: str) -> ApiClient:
        """Return the program that a token speaks for; the day of its use is noted."""
        token_id, now = tokens.token_id_of(token), self._now()
        if token_id is None:
            raise _unusable()
        async with self._database.platform(read_only=True) as tx:
            place = await store.find(tx, token_id)
        if place is None:
            raise _unusable()
        tenant, api_token_id = place
        async with self._database.tenant(tenant, read_only=True) as tx:
            held = await store.get(tx, api_token_id)
            organization = await organizations.get(tx, tenant)
        right = tokens.same(held.secret_digest if held else None, tokens.token_digest(token))
        if not right or held is None or held.state(now) != "ACTIVE":
            raise _unusable()
        if organization is None or organization.state == "CLOSED":
            raise _unusable()
        if held.last_use_day is None or held.last_use_day < now.date():
            async with self._database.tenant(tenant) as tx:
                await store.used(tx, api_token_id, now.date())
        return ApiClient(token_id=token_id.hex(), tenant=tenant, scopes=frozenset(held.scopes))


def _unusable() -> UnauthenticatedError:
    return UnauthenticatedError("the API token is not usable", reason="TOKEN_INVALID")


def _known(found: ApiToken | None) -> ApiToken:
    if found is None:
        raise NotFoundError("there is no such token")
    return found
