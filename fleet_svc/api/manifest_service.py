"""Owns the imports' half of ManifestService, and the service. Unpacks, asks domain and store, packs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from ora.fleet.v1 import manifest_pb2, manifest_service_pb2_grpc
from ora.fleet.v1 import manifest_service_pb2 as pb

from fleet_svc.api import manifests, pages
from fleet_svc.api.factory_keys import FactoryKeys
from fleet_svc.api.names import parse_import_name
from fleet_svc.domain import manufacturing as domain
from fleet_svc.domain.manufacturing import Event, Import, State
from fleet_svc.store import factory_keys, imports
from mesh.errors import AbortedError, InvalidArgumentError, NotFoundError, StateConflictError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_TIME_AND_UUID: Final = 24
_INDEX_BYTES: Final = 4


class ManifestService(FactoryKeys, manifest_service_pb2_grpc.ManifestServiceServicer):
    """Hubs from manifests: in bulk, in order, resumable, all or nothing."""

    async def StartImport(self, request: pb.StartImportRequest, context: Any) -> manifest_pb2.ManufacturingImport:
        """Check the signature of a manifest and open its import."""
        del context
        offered = manifests.read_manifest(request.manifest, now=self._now())
        async with self._database.platform() as tx:
            held = await imports.get(tx, offered.import_id)
            if held is not None:
                return manifests.import_to_proto(domain.same(held, offered))
            domain.vouch(await factory_keys.share(tx, offered.evidence.key_id), offered)
            if await imports.insert(tx, offered):
                return manifests.import_to_proto(offered)
            return manifests.import_to_proto(domain.same(_known(await imports.get(tx, offered.import_id)), offered))

    async def UploadEntries(
        self, requests: AsyncIterator[pb.UploadEntriesRequest], context: Any
    ) -> AsyncIterator[pb.UploadEntriesResponse]:
        """Take entries in order; each answer says how much is stored for good."""
        del context
        import_id: UUID | None = None
        async for request in requests:
            if request.name:
                import_id = parse_import_name(request.name)
            if import_id is None:
                raise InvalidArgumentError.field("name", "is set in the first message")
            held = await self._take(import_id, request)
            yield pb.UploadEntriesResponse(
                committed_count=held.committed_count,
                problem_count=held.problem_count,
                state=manifests.state_to_proto(held.state),
            )

    async def _take(self, import_id: UUID, request: pb.UploadEntriesRequest) -> Import:
        async with self._database.platform() as tx:
            held = _known(await imports.lock(tx, import_id))
            taken = held.take(request.first_entry_index, request.entries, now=self._now())
            if taken.state is State.REFUSED:
                await imports.forget(tx, import_id)
            else:
                entries = [manifests.read_entry(each, lot=held.lot) for each in request.entries]
                taken = taken.with_problems(await imports.add(tx, import_id, request.first_entry_index, entries))
            await imports.save(tx, taken)
            return taken

    async def CommitImport(self, request: pb.CommitImportRequest, context: Any) -> manifest_pb2.ManufacturingImport:
        """Make every entry a Hub, or none."""
        del context
        import_id, now = parse_import_name(request.name), self._now()
        async with self._database.platform() as tx:
            held = _known(await imports.lock(tx, import_id))
            committed = held.apply(Event.COMMIT, now=now)
            if committed is held:
                return manifests.import_to_proto(held)
            # The registry may have changed since the entries came.
            checked = held.with_problems(await imports.mark(tx, import_id, 0))
            if checked.problem_count:
                await imports.save(tx, checked)
            else:
                if await imports.provision(tx, held, now=now) != held.hub_count:
                    raise AbortedError("a Hub of the import was created meanwhile")
                await imports.forget(tx, import_id)
                await imports.save(tx, committed)
                return manifests.import_to_proto(committed)
        raise StateConflictError(
            "entries of the import have problems", reason="IMPORT_HAS_PROBLEMS", problem_count=checked.problem_count
        )

    async def CancelImport(self, request: pb.CancelImportRequest, context: Any) -> manifest_pb2.ManufacturingImport:
        """Give an import up."""
        del context
        return manifests.import_to_proto(await self.cancel(parse_import_name(request.name)))

    async def cancel(self, import_id: UUID) -> Import:
        """Give an import up and delete its entries."""
        async with self._database.platform() as tx:
            held = _known(await imports.lock(tx, import_id))
            cancelled = held.apply(Event.CANCEL, now=self._now())
            if cancelled is not held:
                await imports.forget(tx, import_id)
                await imports.save(tx, cancelled)
            return cancelled

    async def GetImport(self, request: pb.GetImportRequest, context: Any) -> manifest_pb2.ManufacturingImport:
        """Return one import."""
        del context
        async with self._database.platform(read_only=True) as tx:
            return manifests.import_to_proto(_known(await imports.get(tx, parse_import_name(request.name))))

    async def ListImports(self, request: pb.ListImportsRequest, context: Any) -> pb.ListImportsResponse:
        """Return one page of imports, newest first."""
        del context
        question, size = f"imports {request.state}", pages.size(request)
        cursor = pages.cursor_of(request, question, length=_TIME_AND_UUID)
        time, rest = pages.from_time_cursor(cursor) if cursor else (None, b"")
        before = (time, UUID(bytes=rest)) if time else None
        async with self._database.platform(read_only=True) as tx:
            state = manifests.STATE_FROM_PROTO.get(request.state)
            found = await imports.page(tx, state=state, before=before, limit=size + 1)
        shown, token = found[:size], ""
        if len(found) > size:
            token = pages.seal(question, pages.time_cursor(shown[-1].create_time) + shown[-1].import_id.bytes)
        return pb.ListImportsResponse(
            manufacturing_imports=map(manifests.import_to_proto, shown), next_page_token=token
        )

    async def ListImportProblems(
        self, request: pb.ListImportProblemsRequest, context: Any
    ) -> pb.ListImportProblemsResponse:
        """Return one page of what is wrong with an import, by entry."""
        del context
        import_id, size = parse_import_name(request.parent, field="parent"), pages.size(request)
        cursor = pages.cursor_of(request, request.parent, length=_INDEX_BYTES)
        after = int.from_bytes(cursor, "big") if cursor else -1
        async with self._database.platform(read_only=True) as tx:
            _known(await imports.get(tx, import_id))
            found = await imports.problems(tx, import_id, after=after, limit=size + 1)
        shown, token = found[:size], ""
        if len(found) > size:
            token = pages.seal(request.parent, shown[-1][0].to_bytes(_INDEX_BYTES, "big"))
        problems = [manifests.problem_to_proto(*each) for each in shown]
        return pb.ListImportProblemsResponse(import_problems=problems, next_page_token=token)


def _known(held: Import | None) -> Import:
    if held is None:
        raise NotFoundError("there is no such import", reason="IMPORT_UNKNOWN")
    return held
