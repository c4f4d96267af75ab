"""Owns the translation of releases between contract and domain."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ora.fleet.v1 import firmware_release_pb2 as pb

from fleet_svc.api.firmware_names import artefact_name, parse_artefact_name, release_name
from fleet_svc.api.times import to_timestamp
from fleet_svc.domain.release import Content, Image, Release, State
from mesh.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Iterable

TO_PROTO: Final = {each: pb.FirmwareRelease.State.Value(f"STATE_{each}") for each in State}
FROM_PROTO: Final = {number: each for each, number in TO_PROTO.items()}
_CHANGEABLE: Final = ("images", "compatibility", "security_fix", "notes")
# What a bigint holds; a sequence is counted up by one.
_SEQUENCE_MAX: Final = 2**63 - 1


def sequence_of(value: int, *, field: str) -> int:
    """Return a firmware sequence that can be kept."""
    if value > _SEQUENCE_MAX:
        raise InvalidArgumentError.field(field, "is no count")
    return value


def content_of(release: pb.FirmwareRelease) -> Content:
    """Return all of a release that may change."""
    return Content(
        images=tuple(map(_image, release.images)),
        firmware_sequence_min=sequence_of(
            release.compatibility.firmware_sequence_min, field="compatibility.firmware_sequence_min"
        ),
        boot_loader_version_min=release.compatibility.boot_loader_version_min,
        security_fix=release.security_fix,
        notes=release.notes,
    )


def merge(held: Content, wanted: Content, paths: Iterable[str]) -> Content:
    """Return ``held`` with the parts that ``paths`` name taken from ``wanted``; no path: all of them."""
    named = set(paths) or set(_CHANGEABLE)
    if not named <= set(_CHANGEABLE):
        raise InvalidArgumentError.field("update_mask", f"may name {', '.join(_CHANGEABLE)}")
    if "images" in named:
        held = replace(held, images=wanted.images)
    if "compatibility" in named:
        held = replace(
            held,
            firmware_sequence_min=wanted.firmware_sequence_min,
            boot_loader_version_min=wanted.boot_loader_version_min,
        )
    if "security_fix" in named:
        held = replace(held, security_fix=wanted.security_fix)
    return replace(held, notes=wanted.notes) if "notes" in named else held


def to_proto(release: Release) -> pb.FirmwareRelease:
    """Return the release as the contract shows it."""
    content = release.content
    return pb.FirmwareRelease(
        name=release_name(release.release_id),
        version=release.version,
        sequence=release.sequence,
        images=[
            pb.FirmwareImage(
                artefact=artefact_name(each.digest),
                hardware_model=each.hardware_model,
                hardware_revision_min=each.hardware_revision_min,
                hardware_revision_max=each.hardware_revision_max,
                base_sequence=each.base_sequence,
            )
            for each in content.images
        ],
        compatibility=pb.Compatibility(
            firmware_sequence_min=content.firmware_sequence_min,
            boot_loader_version_min=content.boot_loader_version_min,
        ),
        security_fix=content.security_fix,
        notes=content.notes,
        state=TO_PROTO[release.state],
        targets_version=release.targets_version,
        create_time=to_timestamp(release.create_time),
        update_time=to_timestamp(release.update_time),
        etag=release.etag,
    )


def _image(image: pb.FirmwareImage) -> Image:
    return Image(
        digest=parse_artefact_name(image.artefact, field="images.artefact"),
        hardware_model=image.hardware_model,
        hardware_revision_min=image.hardware_revision_min,
        hardware_revision_max=image.hardware_revision_max,
        base_sequence=sequence_of(image.base_sequence, field="images.base_sequence"),
    )
