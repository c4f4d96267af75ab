"""A cloud for one Hub's updates, in memory: it says what a test wants, true or not, and remembers what it was told."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

import httpx
from ora.fleet.v1.firmware_statement_pb2 import InstallPermitStatement

from hubsim.slots import MemoryFlash, Slots
from hubsim.update_client import Device, UpdateClient
from hubsim.updater import Home, Updater
from mesh import signing
from sdk.firmware_trust import Record
from tests.integration.fleet_svc.repository import HUB, IMAGE, Repository

if TYPE_CHECKING:
    from pathlib import Path

NAME = f"hubs/{UUID(bytes=HUB)}/updates/{UUID(int=0)}"
DEVICE = Device(hub=str(UUID(bytes=HUB)), hardware_model="ora-hub-1", hardware_revision=3)


def record_json(record: Record) -> dict[str, str]:
    fields = {"statement": record.statement, "signature": record.signature, "keyId": record.key_id}
    return {name: base64.b64encode(value).decode() for name, value in fields.items()}


@dataclass
class Cloud:
    """Answers one Hub."""

    repository: Repository = field(default_factory=Repository)
    image: bytes = IMAGE
    offer: Callable[[Cloud], Record] | None = None
    permit: dict[str, Any] = field(default_factory=dict)
    hold: str = ""
    told: list[tuple[str, str]] = field(default_factory=list)
    ranges: list[int] = field(default_factory=list)
    begun: list[bytes] = field(default_factory=list)
    breaks_at: int | None = None
    sequence: int = 11

    def handle(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/v1/")
        if path.startswith("firmwareMetadata/"):
            content = self.repository.files.get(path.rpartition("/")[2])
            return httpx.Response(404 if content is None else 200, content=content or b"")
        if path.endswith(":download"):
            offset = int(request.url.params["offsetBytes"])
            self.ranges.append(offset)
            return httpx.Response(200, stream=_Broken(self, offset))
        body = json.loads(request.content)
        return httpx.Response(200, json=self._answer(path.rpartition(":")[2], body))

    def _answer(self, verb: str, body: dict[str, Any]) -> dict[str, Any]:
        match verb:
            case "check":
                self.told.append(("boot", f"{body['boot']['firmwareSequence']} {body['boot']['trial']}"))
                if int(body["boot"]["firmwareSequence"]) == 7:
                    return {"update": {"name": NAME}, "nextCheckSeconds": 600}
                self.sequence += 1
                made = self.offer(self) if self.offer else self.repository.offer(sequence=self.sequence)
                return {"update": {"name": NAME}, "nextCheckSeconds": 600, "directorStatement": record_json(made)}
            case "report":
                self.told.append((body["state"].removeprefix("UPDATE_STATE_"), body.get("failure", "")))
                return {}
            case "requestPermit" if self.hold:
                return {"holdReason": self.hold, "retryAfterSeconds": 900}
            case "requestPermit":
                return {"permit": record_json(self._permit(base64.b64decode(body["hubNonce"])))}
            case "beginInstall":
                self.begun.append(base64.b64decode(body["permitId"]))
                return {}
            case _:
                raise AssertionError(verb)

    def _permit(self, nonce: bytes) -> Record:
        usual = {
            "hub_id": HUB,
            "permit_id": secrets.token_bytes(16),
            "update_id": bytes(16),
            "artefact_digest": hashlib.sha256(IMAGE).digest(),
            "hub_nonce": nonce,
            "valid_seconds": 900,
            "issued_seconds": 1,
        }
        fields = {**usual, **self.permit}
        key = fields.pop("key", self.repository.offline.director)
        record = signing.sign(key, b"ora install permit v1", InstallPermitStatement(**fields))
        return Record(record.statement, record.signature, record.key_id)

    def states(self) -> list[tuple[str, str]]:
        return [each for each in self.told if each[0] != "boot"]


class _Broken(httpx.AsyncByteStream):
    """An image that comes in small parts and may break off."""

    def __init__(self, cloud: Cloud, offset: int) -> None:
        self._cloud, self._offset = cloud, offset

    async def __aiter__(self) -> Any:
        for at in range(self._offset, len(self._cloud.image), 1000):
            if self._cloud.breaks_at is not None and at >= self._cloud.breaks_at:
                self._cloud.breaks_at = None
                raise httpx.ReadError("the line broke")
            yield self._cloud.image[at : at + 1000]


def a_flash() -> MemoryFlash:
    flash = MemoryFlash()
    Slots(flash).manufacture(5, b"old firmware", "1.8.5")
    return flash


def started(cloud: Cloud, flash: MemoryFlash, folder: Path, home: Home | None = None) -> Updater:
    """Start the Hub."""
    http = httpx.AsyncClient(base_url="https://hub", transport=httpx.MockTransport(cloud.handle))
    trust, root = folder / "tuf", cloud.repository.root
    return Updater(UpdateClient(http, DEVICE), flash, trust_folder=trust, root=root, home=home, piece=1024)
