"""Owns the factory keys' half of ManifestService. Unpacks, asks domain and store, packs."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from ora.fleet.v1 import manifest_pb2
from ora.fleet.v1 import manifest_service_pb2 as pb

from fleet_svc.api import manifests, pages
from fleet_svc.api.names import parse_factory_key_name
from fleet_svc.domain.manufacturing import FactoryKey
from fleet_svc.domain.signing import key_id_of
from fleet_svc.domain.tenant import PLATFORM
from fleet_svc.store import factory_keys
from mesh.errors import AlreadyExistsError, NotFoundError
from mesh.idempotency import once

if TYPE_CHECKING:
    from mesh.clock import Now
    from mesh.db import Database, Tx

_QUESTION: Final = "factory keys"
_KEY_ID_BYTES: Final = 8


class FactoryKeys:
    """Who may vouch for Hubs."""

    def __init__(self, database: Database, *, now: Now) -> None:
        self._database, self._now = database, now

    async def RegisterFactoryKey(self, request: pb.RegisterFactoryKeyRequest, context: Any) -> manifest_pb2.FactoryKey:
        """Let a key vouch for Hubs."""
        del context
        given = request.factory_key
        key = FactoryKey(
            key_id=key_id_of(given.public_key),
            factory=given.factory,
            public_key=given.public_key,
            create_time=self._now(),
        )
        async with self._database.tenant(PLATFORM) as tx:
            return await once(tx, "fleet", manifest_pb2.FactoryKey, partial(_register, tx, key))

    async def RetireFactoryKey(self, request: pb.RetireFactoryKeyRequest, context: Any) -> manifest_pb2.FactoryKey:
        """Refuse a key's manifests from now on."""
        del context
        key_id = parse_factory_key_name(request.name)
        async with self._database.platform() as tx:
            held = await factory_keys.get(tx, key_id)
            if held is None:
                raise NotFoundError("there is no such factory key", reason="FACTORY_KEY_UNKNOWN")
            retired = held.retire(now=self._now())
            if retired is not held:
                await factory_keys.retire(tx, retired)
            return manifests.key_to_proto(retired)

    async def ListFactoryKeys(self, request: pb.ListFactoryKeysRequest, context: Any) -> pb.ListFactoryKeysResponse:
        """Return one page of factory keys, by name."""
        del context
        after, size = pages.cursor_of(request, _QUESTION, length=_KEY_ID_BYTES), pages.size(request)
        async with self._database.platform(read_only=True) as tx:
            found = await factory_keys.page(tx, after=after or b"", limit=size + 1)
        shown = found[:size]
        token = pages.seal(_QUESTION, shown[-1].key_id) if len(found) > size else ""
        return pb.ListFactoryKeysResponse(factory_keys=map(manifests.key_to_proto, shown), next_page_token=token)


async def _register(tx: Tx, key: FactoryKey) -> manifest_pb2.FactoryKey:
    if not await factory_keys.insert(tx, key):
        raise AlreadyExistsError("this factory key is registered", reason="FACTORY_KEY_EXISTS")
    return manifests.key_to_proto(key)
