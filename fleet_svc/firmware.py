"""Owns the assembly of the firmware services; knows all of them and decides nothing."""

from __future__ import annotations

import random
import uuid
from typing import TYPE_CHECKING

from ora.fleet.v1.firmware_artefact_service_pb2_grpc import add_FirmwareArtefactServiceServicer_to_server
from ora.fleet.v1.firmware_metadata_service_pb2_grpc import add_FirmwareMetadataServiceServicer_to_server
from ora.fleet.v1.firmware_release_service_pb2_grpc import add_FirmwareReleaseServiceServicer_to_server
from ora.fleet.v1.firmware_rollout_service_pb2_grpc import add_FirmwareRolloutServiceServicer_to_server
from ora.fleet.v1.firmware_update_service_pb2_grpc import add_FirmwareUpdateServiceServicer_to_server
from ora.fleet.v1.sideload_service_pb2_grpc import add_SideloadServiceServicer_to_server

from fleet_svc.api.artefacts import FirmwareArtefactService
from fleet_svc.api.metadata import FirmwareMetadataService
from fleet_svc.api.releases import FirmwareReleaseService
from fleet_svc.api.rollouts import FirmwareRolloutService
from fleet_svc.api.sideloads import SideloadService
from fleet_svc.api.updates import FirmwareUpdateService
from fleet_svc.auditing import audited
from fleet_svc.config import director_of
from mesh import clock, ids

if TYPE_CHECKING:
    from fleet_svc.api.events import HubEvents
    from fleet_svc.config import Config
    from fleet_svc.publishing import Publisher
    from fleet_svc.steering import Steering
    from mesh.db import Database
    from mesh.server import Server


def add(
    server: Server, config: Config, database: Database, events: HubEvents, publisher: Publisher, steering: Steering
) -> None:
    """Add every firmware service to a server."""
    artefacts = FirmwareArtefactService(database, now=clock.now)
    releases = FirmwareReleaseService(database, steering, now=clock.now, new_id=ids.uuid7)
    metadata = FirmwareMetadataService(database, publisher, now=clock.now)
    rollouts = FirmwareRolloutService(database, steering, now=clock.now, new_id=ids.uuid7)
    director = director_of(config)
    updates = FirmwareUpdateService(
        database,
        events,
        director,
        now=clock.now,
        new_id=ids.uuid7,
        new_permit_id=uuid.uuid4,
        uniform=random.uniform,
    )
    sideloads = SideloadService(database, director, now=clock.now, new_id=ids.uuid7, new_permit_id=uuid.uuid4)
    server.add(add_FirmwareArtefactServiceServicer_to_server, audited(artefacts))
    server.add(add_FirmwareReleaseServiceServicer_to_server, audited(releases))
    server.add(add_FirmwareMetadataServiceServicer_to_server, audited(metadata))
    server.add(add_FirmwareRolloutServiceServicer_to_server, audited(rollouts))
    server.add(add_FirmwareUpdateServiceServicer_to_server, audited(updates))
    server.add(add_SideloadServiceServicer_to_server, audited(sideloads))
