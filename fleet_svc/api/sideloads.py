"""Owns SideloadService: an update that an app carries to a Hub whose cloud is off. Unpacks, asks, packs.

Of such a Hub nothing is kept but how many director statements it got. So there is no update on our list, and what keeps
it apart from a handover is the permit's lock epoch and the Hub itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from ora.fleet.v1 import sideload_service_pb2 as pb
from ora.fleet.v1 import sideload_service_pb2_grpc as rpc
from ora.fleet.v1.firmware_statement_pb2 import SideloadRequestStatement

from fleet_svc.api.firmware_names import artefact_name
from fleet_svc.domain.hub import State as HubState
from fleet_svc.domain.release import State as ReleaseState
from fleet_svc.domain.rollout import State as RolloutState
from fleet_svc.domain.update import PERMIT_LIFE, Boot, Permit, State, Update, image_for
from fleet_svc.store import artefacts, hubs, metadata_files, releases, rollouts, update_holds, updates
from mesh import signing
from mesh.errors import PermissionDeniedError, StateConflictError, UnavailableError
from mesh.ids import HubId

if TYPE_CHECKING:
    from fleet_svc.director import Director
    from fleet_svc.domain.hub import Hub
    from fleet_svc.domain.release import Image, Release
    from mesh.clock import Now
    from mesh.db import Database, Tx
    from mesh.ids import NewId

CONTEXT: Final = b"ora sideload request v1"
# What a second person approved and nobody stopped.
_APPROVED: Final = (RolloutState.RUNNING, RolloutState.SOAKING, RolloutState.COMPLETED)
# A Hub that is never switched on to the cloud is PROVISIONED for ever.
_SERVED: Final = frozenset({HubState.PROVISIONED, HubState.ACTIVE})
_ROOTS: Final = 8
_MOST: Final = 2**62


class SideloadService(rpc.SideloadServiceServicer):
    """Updates by an app's hand."""

    def __init__(
        self, database: Database, director: Director | None, *, now: Now, new_id: NewId, new_permit_id: NewId
    ) -> None:
        self._database, self._director, self._now = database, director, now
        self._new_id, self._new_permit_id = new_id, new_permit_id

    async def PrepareSideload(self, request: pb.PrepareSideloadRequest, context: Any) -> pb.PrepareSideloadResponse:
        """Return what the app has to carry; nothing if the Hub is up to date."""
        del context
        asked = _read(request)
        async with self._database.platform() as tx:
            hub = await _proven(tx, request, asked)
            epoch = await _require_unlocked(tx, hub.id, asked.lock_epoch)
            found = await _newest(tx, _boot(asked, hub))
            if found is None:
                return pb.PrepareSideloadResponse()
            if self._director is None:
                raise UnavailableError("no director signs here", reason="DIRECTOR_UNAVAILABLE")
            release, image = found
            now = self._now()
            update = Update(
                update_id=self._new_id(),
                hub_id=hub.id,
                release_id=release.release_id,
                rollout_id=None,
                wave=0,
                state=State.DOWNLOADED,
                create_time=now,
            )
            permit = Permit(permit_id=self._new_permit_id(), lock_epoch=epoch, expire_time=now + PERMIT_LIFE)
            length = (await artefacts.lengths(tx, [image.digest]))[image.digest]
            sequence = await updates.next_director(tx, hub.id, said=min(asked.director_sequence, _MOST))
            return pb.PrepareSideloadResponse(
                director_statement=self._director.offer(
                    update, release, image, length_bytes=length, sequence=sequence, now=now
                ),
                permit=self._director.permit(update, permit, digest=image.digest, hub_nonce=asked.hub_nonce, now=now),
                artefact=artefact_name(image.digest),
                files=await _files(tx),
            )


def _read(request: pb.PrepareSideloadRequest) -> SideloadRequestStatement:
    try:
        return signing.read(request.request.statement, SideloadRequestStatement)
    except signing.StatementError:
        raise _unproven() from None


async def _proven(tx: Tx, request: pb.PrepareSideloadRequest, asked: SideloadRequestStatement) -> Hub:
    """Return the Hub, locked. Whatever is wrong has one answer: who has no Hub's signature learns of no Hub."""
    hub = await hubs.lock(tx, HubId(UUID(bytes=asked.hub_id)))
    record = request.request
    if hub is None or record.key_id != signing.key_id_of(hub.provision.identity_public_key):
        raise _unproven()
    if not signing.is_signed_by(hub.provision.identity_public_key, CONTEXT, record.statement, record.signature):
        raise _unproven()
    if hub.state not in _SERVED:
        raise StateConflictError(f"the Hub is {hub.state}", reason="HUB_NOT_ACTIVE", state=hub.state)
    made = hub.provision.hardware_model, hub.provision.hardware_revision
    if (asked.hardware_model, asked.hardware_revision) != made:
        raise _unproven()
    return hub


async def _require_unlocked(tx: Tx, hub_id: HubId, said: int) -> int:
    """Return the lock epoch for the permit; refused during a handover, also one that only the Hub knows of."""
    hold = await update_holds.get(tx, hub_id)
    epoch = hold.lock_epoch if hold else 0
    if said > epoch or (hold is not None and hold.reason is not None):
        raise StateConflictError(
            "the Hub's project is being handed over", reason="PROJECT_LOCKED", lock_epoch=max(said, epoch)
        )
    return epoch


async def _newest(tx: Tx, boot: Boot) -> tuple[Release, Image] | None:
    """Return the newest approved release that fits, and its image."""
    approved = {each.release_id for each in await rollouts.in_states(tx, *_APPROVED)}
    known = [await releases.get(tx, each) for each in approved]
    out = [each for each in known if each is not None and each.state is ReleaseState.SIGNED]
    for release in sorted(out, key=lambda each: each.sequence, reverse=True):
        image = image_for(release, boot)
        if image is not None:
            return release, image
    return None


def _boot(asked: SideloadRequestStatement, hub: Hub) -> Boot:
    # The statement does not tell the boot loader: what needs a newer one is not carried by hand.
    return Boot(
        slot="A",
        boot_count=0,
        firmware_sequence=min(asked.firmware_sequence, _MOST),
        firmware_version="",
        hardware_model=hub.provision.hardware_model,
        hardware_revision=hub.provision.hardware_revision,
        boot_loader_version=0,
        trial=False,
    )


async def _files(tx: Tx) -> list[str]:
    """Return the TUF files in the order of a client: the Hub has one of the roots."""
    newest = {role: await metadata_files.newest(tx, role) for role in ("root", "snapshot", "targets")}
    versions = {role: file.version for role, file in newest.items() if file is not None}
    roots = range(max(2, versions["root"] - _ROOTS + 1), versions["root"] + 1)
    tail = ["timestamp.json", f"{versions['snapshot']}.snapshot.json", f"{versions['targets']}.targets.json"]
    return [*(f"{version}.root.json" for version in roots), *tail]


def _unproven() -> PermissionDeniedError:
    return PermissionDeniedError("no Hub of ours signed this", reason="PROOF_INVALID")
