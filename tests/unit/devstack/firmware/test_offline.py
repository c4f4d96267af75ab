"""The offline roles: what they sign is what fleet and a Hub take, with keys in files and in an HSM alike."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from devstack import fleet_keys
from devstack.firmware.offline import ROLES, Listed, OfflineKeys, load
from fleet_svc import tuf_files
from mesh.pkcs11 import Token
from tests.hsm import hsm

if TYPE_CHECKING:
    from pathlib import Path

    from mesh.pkcs11 import Pkcs11Config

__all__ = ["hsm"]

IMAGE = b"firmware"


def listed(sequence: int) -> Listed:
    return Listed(
        digest=hashlib.sha256(IMAGE + bytes([sequence])).digest(),
        length_bytes=len(IMAGE) + 1,
        hardware_model="ora-hub-1",
        revision_min=0,
        revision_max=9,
        sequence=sequence,
    )


def taken(keys: OfflineKeys, online: Any, director: Any) -> None:
    """Sign as people do, and read as fleet does."""
    now = datetime.now(UTC)
    first = keys.first_root(online)
    root = tuf_files.read_root(first, current=None, now=now).signed
    assert root.roles["root"].threshold == 2
    one = keys.next_targets(None, director, [listed(1)])
    two = keys.next_targets(one, director, [listed(2)])
    read = tuf_files.read_targets(two, root=tuf_files.root_of(first), current=1, now=now)
    images = tuf_files.listed(read.signed)
    assert (read.signed.version, set(images)) == (2, {listed(1).digest, listed(2).digest})


def test_with_keys_in_files(tmp_path: Path) -> None:
    made = fleet_keys.make(tmp_path)
    assert {*ROLES, "trust", fleet_keys.ROOT} < set(made)
    assert fleet_keys.make(tmp_path) == []
    online, director = (load(tmp_path / f"{each}.key").public_key() for each in fleet_keys.ONLINE)
    taken(OfflineKeys.in_folder(tmp_path / "offline"), online, director)


@pytest.mark.debian("softhsm2")
def test_with_keys_in_an_hsm(hsm: Pkcs11Config) -> None:
    token = Token(hsm)
    for role in ROLES:
        token.make_signing_key(f"tuf-{role}")
    public = Ed25519PrivateKey.generate().public_key()
    taken(OfflineKeys.in_hsm(token, "tuf-"), public, public)
    token.close()
