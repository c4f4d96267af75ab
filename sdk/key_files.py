"""Owns how keys lie in files: JSON with lower-case hex, secrets with mode 0600. For simulators and developers' tools.

A real Hub keeps its keys in its secure element and a real app in its key store; neither has these files.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, TypeVar

from sdk.errors import MalformedError
from sdk.hpke import SealingKey, SealingPublicKey, suite_of
from sdk.keys import AppKeys, AppPublic, HubKeys, HubPublic, SigningKey

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_T = TypeVar("_T")
Document = dict[str, Any]


def write_secret(path: Path, document: Document) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    temporary = path.with_suffix(".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(document, file, indent=2)
    temporary.replace(path)


def read_document(path: Path, decode: Callable[[Document], _T]) -> _T:
    """Read a file and decode it.

    Raises:
        MalformedError: it is not what ``decode`` expects. The text names the file and shows nothing of it.
    """
    try:
        return decode(json.loads(path.read_text()))
    except (KeyError, TypeError, ValueError):
        raise MalformedError(f"{path} is no key file of this kind") from None


def hub_keys_to_json(keys: HubKeys) -> Document:
    """Encode a Hub's secrets."""
    return {
        "hub_id": keys.hub_id.hex(),
        "identity_seed": keys.identity.seed.hex(),
        "owner_seed": keys.owner.seed.hex(),
        "owner_epoch": keys.owner_epoch,
        "sealing": [
            {"key_epoch": epoch, "suite": int(key.suite), "seed": key.raw.hex()} for epoch, key in keys.sealing.items()
        ],
    }


def hub_keys_from_json(document: Document) -> HubKeys:
    """Decode a Hub's secrets."""
    return HubKeys(
        hub_id=bytes.fromhex(document["hub_id"]),
        identity=SigningKey(bytes.fromhex(document["identity_seed"])),
        owner=SigningKey(bytes.fromhex(document["owner_seed"])),
        owner_epoch=int(document["owner_epoch"]),
        sealing={
            int(key["key_epoch"]): SealingKey(suite_of(key["suite"]), bytes.fromhex(key["seed"]))
            for key in document["sealing"]
        },
    )


def app_keys_to_json(keys: AppKeys) -> Document:
    """Encode an app session's secrets."""
    return {
        "signing_seed": keys.signing.seed.hex(),
        "suite": int(keys.sealing.suite),
        "sealing_seed": keys.sealing.raw.hex(),
        "key_epoch": keys.key_epoch,
    }


def app_keys_from_json(document: Document) -> AppKeys:
    """Decode an app session's secrets."""
    return AppKeys(
        signing=SigningKey(bytes.fromhex(document["signing_seed"])),
        sealing=SealingKey(suite_of(document["suite"]), bytes.fromhex(document["sealing_seed"])),
        key_epoch=int(document["key_epoch"]),
    )


def hub_public_to_json(public: HubPublic) -> Document:
    """Encode what a Hub shows at pairing."""
    return {
        "hub_id": public.hub_id.hex(),
        "identity_public": public.identity_public.hex(),
        **_sealing_to_json(public.sealing_public, public.key_epoch),
    }


def hub_public_from_json(document: Document) -> HubPublic:
    """Decode what a Hub shows at pairing."""
    return HubPublic(
        hub_id=bytes.fromhex(document["hub_id"]),
        identity_public=bytes.fromhex(document["identity_public"]),
        sealing_public=_sealing_from_json(document),
        key_epoch=int(document["key_epoch"]),
    )


def app_public_to_json(public: AppPublic) -> Document:
    """Encode what an app shows at pairing."""
    return {
        "signing_public": public.signing_public.hex(),
        **_sealing_to_json(public.sealing_public, public.key_epoch),
    }


def app_public_from_json(document: Document) -> AppPublic:
    """Decode what an app shows at pairing."""
    return AppPublic(
        signing_public=bytes.fromhex(document["signing_public"]),
        sealing_public=_sealing_from_json(document),
        key_epoch=int(document["key_epoch"]),
    )


def _sealing_to_json(public: SealingPublicKey, key_epoch: int) -> Document:
    return {"suite": int(public.suite), "sealing_public": public.raw.hex(), "key_epoch": key_epoch}


def _sealing_from_json(document: Document) -> SealingPublicKey:
    return SealingPublicKey(suite_of(document["suite"]), bytes.fromhex(document["sealing_public"]))
