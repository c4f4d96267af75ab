"""Owns FirmwareReleaseService: the releases. Unpacks, asks domain and store, packs."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from ora.fleet.v1 import firmware_release_pb2
from ora.fleet.v1 import firmware_release_service_pb2 as pb
from ora.fleet.v1 import firmware_release_service_pb2_grpc as rpc

from fleet_svc.api import pages
from fleet_svc.api import release_packing as packing
from fleet_svc.api.firmware_names import parse_release_name
from fleet_svc.domain import release as domain
from fleet_svc.domain.release import Release, State
from fleet_svc.domain.tenant import PLATFORM
from fleet_svc.store import artefacts, releases
from mesh.errors import AlreadyExistsError, InvalidArgumentError, NotFoundError, StateConflictError
from mesh.idempotency import once

if TYPE_CHECKING:
    from fleet_svc.steering import Steering
    from mesh.clock import Now
    from mesh.db import Database, Tx
    from mesh.ids import NewId

_SEQUENCE_BYTES: Final = 8


class FirmwareReleaseService(rpc.FirmwareReleaseServiceServicer):
    """Releases of the firmware."""

    def __init__(self, database: Database, steering: Steering, *, now: Now, new_id: NewId) -> None:
        self._database, self._steering, self._now, self._new_id = database, steering, now, new_id

    async def CreateRelease(
        self, request: pb.CreateReleaseRequest, context: Any
    ) -> firmware_release_pb2.FirmwareRelease:
        """Open a DRAFT."""
        del context
        wanted, now = request.firmware_release, self._now()
        release = Release(
            release_id=self._new_id(),
            version=wanted.version,
            sequence=packing.sequence_of(wanted.sequence, field="firmware_release.sequence"),
            content=packing.content_of(wanted),
            state=State.DRAFT,
            targets_version=0,
            revision=1,
            create_time=now,
            update_time=now,
        )
        domain.check(release.content)
        async with self._database.tenant(PLATFORM) as tx:
            return await once(tx, "fleet", firmware_release_pb2.FirmwareRelease, partial(_create, tx, release))

    async def UpdateRelease(
        self, request: pb.UpdateReleaseRequest, context: Any
    ) -> firmware_release_pb2.FirmwareRelease:
        """Change a DRAFT."""
        del context
        wanted = request.firmware_release
        release_id = parse_release_name(wanted.name, field="firmware_release.name")
        async with self._database.platform() as tx:
            held = _known(await releases.lock(tx, release_id))
            content = packing.merge(held.content, packing.content_of(wanted), request.update_mask.paths)
            edited = held.edit(content, now=self._now(), etag=wanted.etag)
            if edited is not held:
                await _require_present(tx, edited)
                await releases.save(tx, edited)
            return packing.to_proto(edited)

    async def GetRelease(self, request: pb.GetReleaseRequest, context: Any) -> firmware_release_pb2.FirmwareRelease:
        """Return one release."""
        del context
        async with self._database.platform(read_only=True) as tx:
            return packing.to_proto(_known(await releases.get(tx, parse_release_name(request.name))))

    async def ListReleases(self, request: pb.ListReleasesRequest, context: Any) -> pb.ListReleasesResponse:
        """Return one page of releases, highest sequence first."""
        del context
        question, size = f"releases {request.state}", pages.size(request)
        cursor = pages.cursor_of(request, question, length=_SEQUENCE_BYTES)
        below = min(int.from_bytes(cursor, "big"), 2**63 - 1) if cursor else None
        async with self._database.platform(read_only=True) as tx:
            state = packing.FROM_PROTO.get(request.state)
            found = await releases.page(tx, state=state, below=below, limit=size + 1)
        shown, token = found[:size], ""
        if len(found) > size:
            token = pages.seal(question, shown[-1].sequence.to_bytes(_SEQUENCE_BYTES, "big"))
        return pb.ListReleasesResponse(firmware_releases=map(packing.to_proto, shown), next_page_token=token)

    async def WithdrawRelease(
        self, request: pb.WithdrawReleaseRequest, context: Any
    ) -> firmware_release_pb2.FirmwareRelease:
        """Stop every rollout of a release and offer it to nobody any more."""
        del context
        async with self._database.platform() as tx:
            held = _known(await releases.lock(tx, parse_release_name(request.name)))
            withdrawn = held.withdraw(now=self._now(), etag=request.etag)
            if withdrawn is not held:
                await releases.save(tx, withdrawn)
                await self._steering.stop_all(tx, withdrawn.release_id, now=self._now())
            return packing.to_proto(withdrawn)


async def _create(tx: Tx, release: Release) -> firmware_release_pb2.FirmwareRelease:
    newest = await releases.newest_out(tx)
    if release.sequence <= newest:
        raise StateConflictError(
            "the sequence is not above that of every release that is out", reason="SEQUENCE_OLD", newest=newest
        )
    await _require_present(tx, release)
    if not await releases.insert(tx, release):
        raise AlreadyExistsError("the version or the sequence was used before", reason="RELEASE_EXISTS")
    return packing.to_proto(release)


async def _require_present(tx: Tx, release: Release) -> None:
    images = release.content.images
    if not images:
        raise InvalidArgumentError.field("firmware_release.images", "must have at least one")
    domain.require_present(images, await artefacts.lengths(tx, [each.digest for each in images]))


def _known(release: Release | None) -> Release:
    if release is None:
        raise NotFoundError("there is no such release", reason="RELEASE_UNKNOWN")
    return release
