"""Owns the keys of the vectors. Each follows from its name, so all the world knows them: never use one for anything."""

from __future__ import annotations

import hashlib
from typing import Final

from sdk.hpke import SealingKey, SuiteId
from sdk.keys import AppKeys, HubKeys, SigningKey

HUB_ID: Final = bytes.fromhex("0192f0c49c4e7aa58d3c1d2e3f405162")
OTHER_HUB_ID: Final = bytes.fromhex("0192f0c49c4e7aa58d3c1d2e3f405163")
CREATED_MS: Final = 1_790_000_000_000
MESSAGE_ID: Final = bytes.fromhex("01a0c5c5ac007aaa8bbb0123456789ab")


def secret_of(name: str) -> bytes:
    """Return the 32 secret bytes of a test key: SHA-256 of `ora test key ` and its name."""
    return hashlib.sha256(b"ora test key " + name.encode()).digest()


def hub_of(suite: SuiteId) -> HubKeys:
    """Return the Hub of the vectors."""
    return HubKeys(
        hub_id=HUB_ID,
        identity=SigningKey(secret_of("hub identity")),
        owner=SigningKey(secret_of("hub owner")),
        owner_epoch=3,
        sealing={2: SealingKey(suite, secret_of(f"hub sealing {suite.name}"))},
    )


def app_of(suite: SuiteId, name: str = "app") -> AppKeys:
    """Return an app session of the vectors."""
    return AppKeys(
        signing=SigningKey(secret_of(f"{name} signing")),
        sealing=SealingKey(suite, secret_of(f"{name} sealing {suite.name}")),
        key_epoch=5,
    )
