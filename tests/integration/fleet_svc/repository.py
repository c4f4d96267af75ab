"""A TUF repository in memory, as fleet makes one and as an attacker would, with the director's statements."""

from __future__ import annotations

import hashlib
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ora.fleet.v1.firmware_statement_pb2 import DirectorStatement

from fleet_svc.tuf_files import File, OnlineKey
from mesh import signing
from sdk.firmware_trust import Record
from tests.integration.fleet_svc.offline import Offline, target

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

HUB = bytes(range(16))
IMAGE = b"firmware" * 400


class Repository:
    """The files as a server would give them out, made as fleet makes them."""

    def __init__(self) -> None:
        self.offline = Offline()
        self.root = self.offline.root()
        self.files: dict[str, bytes] = {}
        self.version = 0
        self.publish()

    def publish(self, *, sequence: int = 7, model: str = "ora-hub-1", now: datetime | None = None) -> None:
        self.version += 1
        content = self.offline.targets(self.version, target(IMAGE, sequence=sequence, model=model))
        self.follow(content, now=now)

    def follow(self, targets: bytes, *, now: datetime | None = None, key: Ed25519PrivateKey | None = None) -> None:
        """Sign the online files, as at ``now``."""
        online, when = OnlineKey.of(key or self.offline.online), now or datetime.now(UTC)
        made = File(role="targets", version=self.version, content=targets, expire_time=when)
        snapshot = online.snapshot(made, version=self.version, now=when)
        timestamp = online.timestamp(snapshot, version=self.version, now=when)
        self.files[f"{self.version}.targets.json"] = targets
        self.files[f"{self.version}.snapshot.json"] = snapshot.content
        self.files["timestamp.json"] = timestamp.content

    def offer(self, *, key: Ed25519PrivateKey | None = None, **fields: Any) -> Record:
        now = int(time.time())
        usual = {
            "hub_id": HUB,
            "sequence": 11,
            "update_id": bytes(16),
            "artefact_digest": hashlib.sha256(IMAGE).digest(),
            "artefact_length_bytes": len(IMAGE),
            "firmware_sequence": 7,
            "firmware_version": "1.8.7",
            "hardware_model": "ora-hub-1",
            "hardware_revision_max": 9,
            "targets_version": self.version,
            "issued_seconds": now,
            "not_after_seconds": now + 60,
        }
        statement = DirectorStatement(**{**usual, **fields})
        made = signing.sign(key or self.offline.director, b"ora director v1", statement)
        return Record(made.statement, made.signature, made.key_id)
