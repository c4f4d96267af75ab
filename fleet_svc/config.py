"""Owns the settings of fleet_svc."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from fleet_svc.authority import x509_authority
from fleet_svc.authority.keys import FileKeys, HsmKeys, NoKeys
from fleet_svc.director import Director
from fleet_svc.signers import Signers
from fleet_svc.tuf_files import OnlineKey
from mesh.config import Secret, setting
from mesh.pkcs11 import Pkcs11Config, Token
from mesh.settings import DatabaseConfig, MeshConfig, RedisConfig

if TYPE_CHECKING:
    from fleet_svc.authority.keys import AuthorityKeys


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Everything that fleet_svc reads, once, at its start."""

    mesh: MeshConfig
    database: DatabaseConfig
    redis: RedisConfig
    # Phase 2 gates that are open, by their names in proto/phase2.yaml.
    open_gates: tuple[str, ...] = setting("ORA_OPEN_GATES", default=())
    # The intermediate that signs Hubs' certificates, as PEM files. Without them none is issued here.
    authority_chain: Path | None = setting("ORA_FLEET_AUTHORITY_CHAIN", default=None)
    authority_key: Path | None = setting("ORA_FLEET_AUTHORITY_KEY", default=None)
    # Where the keys of further intermediates are made: a folder of files, unless there is an HSM.
    authority_keys: Path | None = setting("ORA_FLEET_AUTHORITY_KEYS", default=None)
    pkcs11: Pkcs11Config
    # The public half of the offline key that signs trust bundles, Ed25519, as a PEM file.
    trust_key: Path | None = setting("ORA_FLEET_TRUST_KEY", default=None)
    certificate_days: int = setting("ORA_FLEET_CERTIFICATE_DAYS", default=30)
    # The Ed25519 key of the TUF roles snapshot and timestamp, as a PEM file. Without it nothing is published here.
    online_key: Path | None = setting("ORA_FLEET_TUF_ONLINE_KEY", default=None)
    # The Ed25519 key that TUF targets delegate to, as a PEM file. Without it no Hub is offered anything here.
    director_key: Path | None = setting("ORA_FLEET_DIRECTOR_KEY", default=None)
    # 32 bytes in hex, the same on all nodes. Without it a challenge is good at the node that made it alone.
    challenge_key: Secret | None = setting("ORA_FLEET_CHALLENGE_KEY", default=None)
    heartbeat_seconds: float = setting("ORA_FLEET_HEARTBEAT_SECONDS", default=2.0)
    # Changed Hubs that may wait for one slow watcher before it is told to ask again for all.
    watch_queue: int = setting("ORA_FLEET_WATCH_QUEUE", default=4096)

    def __post_init__(self) -> None:
        if not 0 < self.heartbeat_seconds <= 20:  # noqa: PLR2004 - three of them fill the 60 s a cache may age
            raise ValueError("ORA_FLEET_HEARTBEAT_SECONDS is more than 0 and at most 20")
        if (self.authority_chain is None) != (self.authority_key is None):
            raise ValueError("ORA_FLEET_AUTHORITY_CHAIN and ORA_FLEET_AUTHORITY_KEY go together")
        if not 1 <= self.certificate_days <= 90:  # noqa: PLR2004 - short-lived, and never shorter than a day
            raise ValueError("ORA_FLEET_CERTIFICATE_DAYS is 1 to 90")
        if self.challenge_key is not None and len(bytes.fromhex(self.challenge_key.reveal())) != 32:  # noqa: PLR2004
            raise ValueError("ORA_FLEET_CHALLENGE_KEY is 32 bytes in hex")
        if self.watch_queue < 1:
            raise ValueError("ORA_FLEET_WATCH_QUEUE is at least 1")


def signers_of(config: Config) -> Signers:
    """Return the authorities whose keys are here."""
    configured = None
    if config.authority_chain is not None and config.authority_key is not None:
        configured = x509_authority.from_files(config.authority_chain, config.authority_key)
    return Signers(configured, _keys_of(config))


def _keys_of(config: Config) -> AuthorityKeys:
    if config.pkcs11.module:
        return HsmKeys(Token(config.pkcs11))
    return FileKeys(config.authority_keys) if config.authority_keys is not None else NoKeys()


def trust_key_of(config: Config) -> bytes | None:
    """Return the public key that signs trust bundles."""
    if config.trust_key is None:
        return None
    key = load_pem_public_key(config.trust_key.read_bytes())
    if not isinstance(key, Ed25519PublicKey):
        raise TypeError(f"{config.trust_key.name} is no Ed25519 key")
    return key.public_bytes_raw()


def online_key_of(config: Config) -> OnlineKey | None:
    """Return the key of the online TUF roles."""
    return OnlineKey.of(_ed25519(config.online_key)) if config.online_key else None


def director_of(config: Config) -> Director | None:
    """Return who signs offers and permits."""
    return Director(_ed25519(config.director_key)) if config.director_key else None


def _ed25519(path: Path) -> Ed25519PrivateKey:
    key = load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise TypeError(f"{path.name} is no Ed25519 key")
    return key


def challenge_key_of(config: Config) -> bytes:
    """Return the key of challenges."""
    return bytes.fromhex(config.challenge_key.reveal()) if config.challenge_key else secrets.token_bytes(32)
