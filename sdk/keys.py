"""Owns Ed25519 keys (RFC 8032), the ids derived from them, and the bundles of keys that a Hub and an app hold.

It knows no message and no file. No secret shows in a repr.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from sdk.errors import MalformedError
from sdk.hpke import PRIVATE_KEY_BYTES, SealingKey, SealingPublicKey, SuiteId

SEED_BYTES: Final = 32
PUBLIC_BYTES: Final = 32
PEER_ID_BYTES: Final = 16
KEY_ID_BYTES: Final = 8
HUB_ID_BYTES: Final = 16


@dataclass(frozen=True, slots=True, repr=False)
class SigningKey:
    """An Ed25519 private key: its 32-byte seed, which never shows in a repr."""

    seed: bytes

    def __post_init__(self) -> None:
        if len(self.seed) != SEED_BYTES:
            raise MalformedError(f"an Ed25519 seed has {SEED_BYTES} bytes")

    def __repr__(self) -> str:
        return f"SigningKey(key_id={key_id(self.public()).hex()}, seed=<hidden>)"

    def public(self) -> bytes:
        """Return the raw public key, 32 bytes."""
        return Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        """Sign; return 64 bytes. Deterministic (RFC 8032 §5.1.6)."""
        return Ed25519PrivateKey.from_private_bytes(self.seed).sign(message)


def verifies(public: bytes, signature: bytes, message: bytes) -> bool:
    """Tell whether ``signature`` (64 bytes) over ``message`` is by the raw public key ``public`` (32 bytes)."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def new_signing_key() -> SigningKey:
    """Make an Ed25519 key from the system's randomness."""
    return SigningKey(secrets.token_bytes(SEED_BYTES))


def new_sealing_key(suite: SuiteId) -> SealingKey:
    """Make a receiver's key from the system's randomness."""
    return SealingKey(suite, secrets.token_bytes(PRIVATE_KEY_BYTES))


def key_id(public: bytes) -> bytes:
    """Return the first 8 bytes of the SHA-256 of a raw public key: which key to try."""
    return hashlib.sha256(public).digest()[:KEY_ID_BYTES]


def peer_id(public: bytes) -> bytes:
    """Return an app session's id: the first 16 bytes of the SHA-256 of its raw Ed25519 public key."""
    return hashlib.sha256(public).digest()[:PEER_ID_BYTES]


@dataclass(frozen=True, slots=True, kw_only=True)
class HubPublic:
    """What an app knows of a Hub after pairing on the LAN."""

    hub_id: bytes
    """16 bytes of the Hub's UUID."""
    identity_public: bytes
    """The device identity key: Ed25519, 32 bytes. The Hub signs what it seals with it."""
    sealing_public: SealingPublicKey
    key_epoch: int = 1
    """Which of the Hub's sealing keys this is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppPublic:
    """What a Hub knows of an app session after pairing on the LAN."""

    signing_public: bytes
    """Ed25519, 32 bytes; the peer id is derived from it."""
    sealing_public: SealingPublicKey
    key_epoch: int = 1
    """Which of the app's sealing keys this is."""

    @property
    def peer_id(self) -> bytes:
        """The session's id, 16 bytes."""
        return peer_id(self.signing_public)


@dataclass(frozen=True, slots=True, kw_only=True)
class HubKeys:
    """A Hub's own keys, but for the one of its certificate."""

    hub_id: bytes
    identity: SigningKey
    """Born in the factory, never changed; its public half is in the registry."""
    owner: SigningKey
    """The owner key of the current owner epoch."""
    owner_epoch: int = 1
    sealing: dict[int, SealingKey] = field(default_factory=dict)
    """By key epoch: a rotated key is kept until nothing sealed to it can still arrive."""

    def public(self) -> HubPublic:
        """Return what the Hub shows at pairing: its newest sealing key."""
        epoch = max(self.sealing)
        return HubPublic(
            hub_id=self.hub_id,
            identity_public=self.identity.public(),
            sealing_public=self.sealing[epoch].public(),
            key_epoch=epoch,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AppKeys:
    """One app session's own keys."""

    signing: SigningKey
    sealing: SealingKey
    key_epoch: int = 1

    def public(self) -> AppPublic:
        """Return what the app shows at pairing."""
        return AppPublic(
            signing_public=self.signing.public(), sealing_public=self.sealing.public(), key_epoch=self.key_epoch
        )


def new_hub_keys(hub_id: bytes, suite: SuiteId = SuiteId.HYBRID) -> HubKeys:
    """Make a factory-fresh Hub's keys. ``hub_id`` is 16 bytes."""
    if len(hub_id) != HUB_ID_BYTES:
        raise MalformedError(f"a Hub id has {HUB_ID_BYTES} bytes")
    return HubKeys(
        hub_id=hub_id, identity=new_signing_key(), owner=new_signing_key(), sealing={1: new_sealing_key(suite)}
    )


def new_app_keys(suite: SuiteId = SuiteId.HYBRID) -> AppKeys:
    """Make a new app session's keys."""
    return AppKeys(signing=new_signing_key(), sealing=new_sealing_key(suite))
