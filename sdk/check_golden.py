"""Replays proto/golden with this SDK, from the files alone: `python -m sdk.check_golden [FOLDER]`.

It knows nothing of how the vectors were made, so it also replays those of an older version. Exits 1 on any difference.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ora.relay.v1 import envelope_pb2 as pb

from sdk.backup.recovery_key import parse_recovery_key
from sdk.envelope import Opened, Receiver, open_envelope
from sdk.errors import SealError
from sdk.golden import messages
from sdk.golden.backups import conformance, outcome, spelling
from sdk.golden.custodies import opening, reading
from sdk.golden.files import FOLDERS, ROOT, Facts, Vector, load
from sdk.golden.headers import facts_of, fields_of
from sdk.golden.transcript import transcribe
from sdk.hpke import SealingKey, SuiteId
from sdk.keys import key_id, peer_id
from sdk.records import open_record
from sdk.sealing import INFO, sender_message
from sdk.statements import Context, signed_message, subject_digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LONGEST_HEX_BYTES: Final = 2048


def check_envelope(vector: Vector) -> Iterator[str]:
    """Open an envelope as its receiver; yield what differs from the vector."""
    facts: Any = vector.facts
    receiver, keys = _receiver(facts["receiver"])
    try:
        opened = open_envelope(vector.binary, receiver)
    except SealError as error:
        yield from _differs("expect", error.reason, facts["expect"])
        return
    yield from _differs("expect", "OPENS", facts["expect"])
    if facts["expect"] == "OPENS":
        yield from _check_opened(vector, opened, keys)


def _check_opened(vector: Vector, opened: Opened, keys: dict[int, SealingKey]) -> Iterator[str]:
    """Compare what was opened, and each step of opening."""
    facts: Any = vector.facts
    envelope = pb.Envelope.FromString(vector.binary)
    steps = transcribe(
        keys[opened.header.key_epoch], info=INFO, aad=envelope.route_header, enc_and_ciphertext=envelope.sealed[1:]
    )
    message = sender_message(envelope.route_header, opened.payload)
    yield from _differs("payload", opened.payload, vector.attachments["payload.bin"])
    yield from _differs("payload_bytes", len(opened.payload), facts["payload_bytes"])
    yield from _differs("route_header", envelope.route_header.hex(), facts["route_header"])
    yield from _differs("fields", fields_of(opened.header), facts["fields"])
    yield from _differs("sealed_bytes", len(envelope.sealed), facts["sealed_bytes"])
    yield from _differs("suite", envelope.sealed[0], facts["suite"])
    yield from _differs("steps", steps.hex(LONGEST_HEX_BYTES), facts["steps"])
    yield from _differs("signed message", hashlib.sha256(message).hexdigest(), facts["signed_message_sha256"])


def _receiver(facts: Any) -> tuple[Receiver, dict[int, SealingKey]]:
    """Build the receiver that a vector describes."""
    keys = {
        key["key_epoch"]: SealingKey(SuiteId(key["suite"]), bytes.fromhex(key["test_private_key"]))
        for key in facts["keys"]
    }
    senders = {
        bytes.fromhex(sender["peer_id"]): bytes.fromhex(sender["signing_public_key"]) for sender in facts["senders"]
    }
    receiver = Receiver(
        hub_id=bytes.fromhex(facts["hub_id"]),
        sender_kind=facts["sender_kind"],
        keys=keys,
        sender_public=senders.get,
    )
    return receiver, keys


def check_route_header(vector: Vector) -> Iterator[str]:
    """Read a header; yield what differs from the vector."""
    yield from _differs("facts", facts_of(vector.binary), vector.facts)


def check_record(vector: Vector) -> Iterator[str]:
    """Verify a record; yield what differs from the vector."""
    facts: Any = vector.facts
    context = Context(facts["context"].encode())
    try:
        statement = open_record(vector.binary, bytes.fromhex(facts["public_key"]), context)
    except SealError as error:
        yield from _differs("expect", error.reason, facts["expect"])
        return
    yield from _differs("expect", "VERIFIES", facts["expect"])
    yield from _differs("statement", statement.hex(), facts["statement"])
    yield from _differs("signed_message", signed_message(context, statement).hex(), facts["signed_message"])


def check_identifier(vector: Vector) -> Iterator[str]:
    """Derive an id; yield what differs from the vector."""
    facts: Any = vector.facts
    match facts["kind"]:
        case "key_id":
            derived = key_id(bytes.fromhex(facts["public_key"]))
        case "peer_id":
            derived = peer_id(bytes.fromhex(facts["public_key"]))
        case _:
            derived = subject_digest(bytes.fromhex(facts["hub_id"]), facts["issuer"], facts["subject"])
    yield from _differs("derived", derived, vector.binary)


def check_backup(vector: Vector) -> Iterator[str]:
    """Open a container with the key that the vector tries; yield what differs."""
    key = parse_recovery_key(str(vector.facts["recovery_key"]))
    yield from _differs_from(vector, outcome(vector.binary, key))


def check_recovery_key(vector: Vector) -> Iterator[str]:
    """Read a key as it was typed; yield what differs from the vector."""
    yield from _differs_from(vector, spelling(vector.binary.decode()))


def check_layout(vector: Vector) -> Iterator[str]:
    """Check a plaintext; yield what differs from the vector."""
    yield from _differs_from(vector, conformance(vector.binary))


def check_message(vector: Vector) -> Iterator[str]:
    """Read a message and check its rules; yield what differs from the vector."""
    yield from _differs("facts", messages.facts_of(str(vector.facts["message"]), vector.binary), vector.facts)


def check_access_key(vector: Vector) -> Iterator[str]:
    """Read an AccessKey as it was typed or scanned; yield what differs from the vector."""
    yield from _differs_from(vector, reading(vector.binary.decode()))


def check_custody(vector: Vector) -> Iterator[str]:
    """Open a Project Key with the AccessKey and at the place that the vector says; yield what differs."""
    yield from _differs_from(vector, opening(vector.binary, vector.facts))


CHECKS: Final[dict[str, Callable[[Vector], Iterator[str]]]] = {
    "envelope": check_envelope,
    "route_header": check_route_header,
    "record": check_record,
    "identifier": check_identifier,
    "backup": check_backup,
    "recovery_key": check_recovery_key,
    "layout": check_layout,
    "message": check_message,
    "access_key": check_access_key,
    "custody": check_custody,
}


def _differs(what: str, got: object, expected: object) -> Iterator[str]:
    """Yield one line if two values differ."""
    if got != expected:
        yield f"{what}: got {got!r:.200}, expected {expected!r:.200}"


def _differs_from(vector: Vector, found: Facts) -> Iterator[str]:
    """Yield one line for each thing that was found and is not as the vector says."""
    for what, value in found.items():
        yield from _differs(what, value, vector.facts.get(what))


def replay(root: Path = ROOT) -> tuple[int, list[str]]:
    """Replay every vector below ``root``; return how many there are, and each difference as a line."""
    vectors = [vector for folder in FOLDERS for vector in load(folder, root)]
    return len(vectors), [
        f"{vector.folder}/{vector.name}: {line}" for vector in vectors for line in CHECKS[vector.folder](vector)
    ]


def main() -> int:
    """Replay and say what differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT, help="the vectors; default: proto/golden")
    count, lines = replay(parser.parse_args().folder)
    for line in lines:
        sys.stderr.write(f"{line}\n")
    sys.stdout.write(f"{count} vectors, {len(lines)} differences\n")
    return 1 if lines or not count else 0


if __name__ == "__main__":
    sys.exit(main())
