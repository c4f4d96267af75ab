"""No secret shows in a repr, and none is compared by `==`. A new dataclass has to be put into one of the two tables."""

from __future__ import annotations

import ast
import base64
import dataclasses
import importlib
import pkgutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import httpx
import pytest
from ora.relay.v1 import envelope_pb2

import sdk
from sdk import access_key, custody, envelope, key_files, keys
from sdk.app_client import AppClient
from sdk.backup import head, reader, recovery_key, tickets, writer
from sdk.golden.backups import CHEAP
from sdk.hpke import SealingKey, SuiteId
from sdk.keys import SigningKey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SECRET: Final = bytes(range(100, 132))
SIGNING = SigningKey(SECRET)
SEALING = SealingKey(SuiteId.SMALL, SECRET)

HOLDS_SECRETS: Final[dict[str, Callable[[], Any]]] = {
    "access_key.AccessKey": lambda: access_key.AccessKey(5, SECRET[:15]),
    "access_key.AccessKeys": lambda: access_key.AccessKeys(SIGNING, SEALING),
    "access_key.Claimant": lambda: access_key.Claimant(key=SIGNING, subject_digest=bytes(32)),
    "app_client.AppClient": lambda: AppClient(
        http=httpx.AsyncClient(),
        hub=keys.HubPublic(hub_id=bytes(16), identity_public=bytes(32), sealing_public=SEALING.public()),
        keys=keys.AppKeys(signing=SIGNING, sealing=SEALING),
        token=lambda: "token-token",
    ),
    "backup.reader.Opened": lambda: reader.Opened(head=_head(), digest=bytes(32), content=SECRET),
    "backup.recovery_key.BackupKeys": lambda: recovery_key.RecoveryKey(SECRET[:16]).keys(),
    "backup.recovery_key.RecoveryKey": lambda: recovery_key.RecoveryKey(SECRET[:16]),
    "backup.tickets.Blinded": lambda: tickets.Blinded(
        key_id=bytes(8), public_der=b"", input=SECRET, message=b"", inverse=int.from_bytes(SECRET, "big")
    ),
    "backup.writer.Recipe": lambda: writer.Recipe(keys=recovery_key.RecoveryKey(SECRET[:16]).keys(), cost=CHEAP),
    "custody.ProjectKey": lambda: custody.ProjectKey(SECRET),
    "envelope.Opened": lambda: envelope.Opened(header=envelope_pb2.RouteHeader(), payload=SECRET),
    "envelope.Receiver": lambda: envelope.Receiver(
        hub_id=bytes(16), sender_kind=envelope_pb2.SENDER_KIND_APP, keys={1: SEALING}, sender_public=lambda _: None
    ),
    "hpke.SealingKey": lambda: SEALING,
    "keys.AppKeys": lambda: keys.AppKeys(signing=SIGNING, sealing=SEALING),
    "keys.HubKeys": lambda: keys.HubKeys(hub_id=bytes(16), identity=SIGNING, owner=SIGNING, sealing={1: SEALING}),
    "keys.SigningKey": lambda: SIGNING,
}
"""Each with an instance that holds SECRET, or what follows from it."""

HOLDS_NONE: Final = {
    "app_client.Attached",
    "app_client.Sent",
    "backup.head.Head",
    "backup.head.KdfCost",
    "backup.head.Slot",
    "backup.writer.Written",
    "custody.Place",
    "envelope.Moment",
    "firmware_trust.Running",
    "firmware_trust.Wish",
    "hpke.SealingPublicKey",
    "keys.AppPublic",
    "keys.HubPublic",
    "portal_keys.PortalKeys",
    "statements.Signature",
    "surface.Spoken",
}
"""Public keys, ids, ciphertext and signatures."""


def _head() -> head.Head:
    recipe = writer.Recipe(keys=recovery_key.RecoveryKey(bytes(16)).keys(), cost=CHEAP)
    return head.decode(writer.write(b"", recipe).container[: head.HEAD_BYTES])


def dataclasses_of_the_sdk() -> Iterator[tuple[str, type]]:
    """Every dataclass but those of the golden vectors, whose keys all the world knows."""
    for module in pkgutil.walk_packages(sdk.__path__, "sdk."):
        if ".golden" in module.name:
            continue
        for name, found in vars(importlib.import_module(module.name)).items():
            if isinstance(found, type) and found.__module__ == module.name and dataclasses.is_dataclass(found):
                yield f"{module.name.removeprefix('sdk.')}.{name}", found


def test_every_dataclass_is_in_a_table() -> None:
    assert sorted(name for name, _ in dataclasses_of_the_sdk()) == sorted({*HOLDS_SECRETS, *HOLDS_NONE})


@pytest.mark.parametrize("name", HOLDS_SECRETS)
def test_no_secret_shows(name: str) -> None:
    instance = HOLDS_SECRETS[name]()
    assert f"{type(instance).__module__}.{type(instance).__name__}" == f"sdk.{name}"
    shown = f"{instance!r} {instance!s} {instance}"
    part = SECRET[:15]
    forms = [
        part.hex(),
        repr(part)[2:-1],
        str(part),
        base64.b64encode(part).decode()[:-4],
        str(int.from_bytes(SECRET, "big")),
        str(list(part))[1:-1],
        "token-token",
    ]
    assert [form for form in forms if form in shown] == []


def test_the_search_would_find_what_is_shown() -> None:
    @dataclasses.dataclass
    class Careless:
        seed: bytes

    assert repr(SECRET[:15])[2:-1] in repr(Careless(SECRET))


def test_no_secret_is_compared_byte_by_byte() -> None:
    """What an attacker may guess at is compared by `hmac.compare_digest`."""
    names = ("secret", "seed", "mac", "tag", "commitment", "passcode", "recovery")
    found = []
    for path in sorted(Path(str(sdk.__file__)).parent.rglob("*.py")):
        if "golden" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Compare) and any(isinstance(each, (ast.Eq, ast.NotEq)) for each in node.ops):
                sides = [each for each in (node.left, *node.comparators) if isinstance(each, (ast.Name, ast.Attribute))]
                words = [each.id if isinstance(each, ast.Name) else each.attr for each in sides]
                found += [f"{path.name}:{node.lineno} {word}" for word in words if word.lower() in names]
    assert found == []


def test_secrets_in_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / f"{uuid4()}.json"
    key_files.write_secret(path, key_files.app_keys_to_json(keys.AppKeys(signing=SIGNING, sealing=SEALING)))
    assert path.stat().st_mode & 0o777 == 0o600
