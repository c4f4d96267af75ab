"""Owns the vectors of backup: containers that open and that must not, Recovery Keys, and plaintexts.

Everything is made from names, salts and nonces included, so that each run makes the same bytes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from google.protobuf.json_format import MessageToDict
from ora.backup.v1 import layout_pb2 as pb

from sdk.backup import sealing
from sdk.backup.errors import BackupError
from sdk.backup.head import HEAD_BYTES, TRAILER_BYTES, KdfCost, decode
from sdk.backup.layout import encode_layout, findings
from sdk.backup.reader import open_container
from sdk.backup.recovery_key import RecoveryKey, parse_recovery_key
from sdk.backup.tree import HashTree
from sdk.backup.writer import Recipe, room_in, write
from sdk.golden.files import Facts, Vector
from sdk.golden.testkeys import secret_of
from sdk.golden.wire import bytes_field, varint_field

if TYPE_CHECKING:
    from collections.abc import Iterator

CONTAINER: Final = "backup"
KEY: Final = "recovery_key"
LAYOUT: Final = "layout"
OPENS: Final = "OPENS"
CHEAP: Final = KdfCost(memory_kib=19456, iterations=2)
# Vectors longer than this are cut to what a head and its mistakes need.
_SHORTEST: Final = 1 << 16


def key_of(name: str) -> RecoveryKey:
    """Return the Recovery Key of a name."""
    return RecoveryKey(secret_of(f"recovery {name}")[:16])


class Named:
    """Bytes that follow from a name, in place of randomness."""

    def __init__(self, name: str) -> None:
        self._name, self._count = name, 0

    def __call__(self, length: int) -> bytes:
        """Return the next ``length`` bytes."""
        self._count += 1
        return hashlib.shake_256(f"ora test randomness {self._name} {self._count}".encode()).digest(length)


def small_layout() -> pb.Layout:
    """Return a home of one lamp in a kitchen."""
    return pb.Layout(
        format_version=1,
        nodes=[
            pb.Node(
                ordinal=1,
                vendor_id=0xFFF1,
                product_id=0x8000,
                endpoints=[
                    pb.Endpoint(endpoint_number=0, device_type_ids=[0x16]),
                    pb.Endpoint(endpoint_number=1, device_type_ids=[0x100]),
                ],
                network_kind=pb.NETWORK_KIND_THREAD,
            )
        ],
        floors=[pb.Floor(ordinal=1)],
        rooms=[
            pb.Room(
                ordinal=1,
                kind=pb.ROOM_KIND_KITCHEN,
                floor_ordinal=1,
                outline=[pb.Point(), pb.Point(x_mm=4000), pb.Point(x_mm=4000, y_mm=3000), pb.Point(y_mm=3000)],
            )
        ],
        placements=[
            pb.Placement(
                node_ordinal=1,
                endpoint_number=1,
                room_ordinal=1,
                position=pb.Point(x_mm=2000, y_mm=1500),
                height_mm=2400,
            )
        ],
    )


@dataclass(frozen=True, slots=True)
class Case:
    """One container and the key that is tried on it."""

    name: str
    about: str
    container: bytes
    tried: RecoveryKey


def cases() -> Iterator[Case]:
    """Make every container."""
    key, older = key_of("owner"), key_of("older")
    content = encode_layout(small_layout())
    recipe = Recipe(keys=key.keys(), cost=CHEAP)
    first = write(content, recipe, randomness=Named("first"))
    later = replace(recipe, generation=2, previous_digest=first.digest)
    second = write(content, replace(later, retired=(older.keys(),)), randomness=Named("second"))
    sheets = write(content, replace(recipe, others=(key_of("second sheet").keys(),)), randomness=Named("sheets"))
    full = write(b"\x80\x00" * (room_in(16) // 2), recipe, randomness=Named("full"))
    wide = write(b"w" * (room_in(16) + 1), recipe, randomness=Named("wide"))
    yield Case("first", "Generation 1.", first.container, key)
    yield Case("second", "Generation 2, an older key retired.", second.container, key)
    yield Case("second_sheet", "Two keys open it; this is the second.", sheets.container, key_of("second sheet"))
    yield Case("bucket_full", "The longest content of 64 KiB; it ends as padding begins.", full.container, key)
    yield Case("bucket_next", "Nearly the same in 128 KiB: two chunks, the last one shorter.", wide.container, key)
    yield Case("bad_key_wrong", "A key that never opened it.", first.container, key_of("stranger"))
    yield Case("bad_key_older", "The key that was replaced.", second.container, older)
    for name, about, changed in _changes(first.container):
        yield Case(name, about, changed, key)


def _changes(good: bytes) -> Iterator[tuple[str, str, bytes]]:
    """Make what was changed on the way."""
    middle = HEAD_BYTES + 1000
    yield "bad_magic", "Another magic.", b"ORAC" + good[4:]
    yield "bad_version", "Format version 2.", good[:4] + b"\2" + good[5:]
    yield "bad_suite", "Suite 2, its head otherwise sound.", rehead(good, 5, b"\2")
    yield "bad_content_type", "Content type 2, its head otherwise sound.", rehead(good, 6, b"\2")
    yield "bad_head_bit", "A bit of the generation.", _flip(good, 23)
    yield "bad_head_check", "A bit of the head's own check.", _flip(good, HEAD_BYTES - 1)
    yield "bad_kdf_weak", "Argon2id with 8 MiB, its head otherwise sound.", rehead(good, 12, (8192).to_bytes(4, "big"))
    yield (
        "bad_kdf_dear",
        "Argon2id with 4 GiB, its head otherwise sound.",
        rehead(good, 12, (1 << 22).to_bytes(4, "big")),
    )
    yield "bad_bucket", "A bucket of 32 KiB, its head otherwise sound.", rehead(good, 7, b"\x0f")
    yield "bad_zero", "What should be zero is not, its head otherwise sound.", rehead(good, 143, b"\1")
    yield "bad_commitment", "Another key commitment, its head otherwise sound.", rehead(good, 104, b"\0" * 32)
    yield "bad_wrapped", "Another wrapped data key, its head otherwise sound.", rehead(good, 180, b"\0" * 48)
    yield "bad_chunk", "A bit of a chunk.", _flip(good, middle)
    yield "bad_root", "A bit of the root.", _flip(good, len(good) - TRAILER_BYTES)
    yield "bad_signature", "A bit of the signature.", _flip(good, len(good) - 1)
    yield "bad_long", "One byte more.", good + b"\0"
    yield "bad_cut_byte", "The last byte is missing.", good[:-1]
    yield "bad_cut_chunk", "It ends in the middle of a chunk.", good[:middle]
    yield "bad_cut_head", "It ends in the head.", good[:300]
    yield "bad_empty", "Nothing.", b""
    yield "bad_plaintext", "A layout that was not sealed.", encode_layout(small_layout()).ljust(_SHORTEST, b"\0")


def rehead(good: bytes, at: int, value: bytes, *, signer: RecoveryKey | None = None) -> bytes:
    """Change a container's head and make its check hold again; with ``signer``, its tree and signature too."""
    checked = good[:at] + value + good[at + len(value) : HEAD_BYTES - 32]
    head = checked + hashlib.sha256(checked).digest()
    if signer is None:
        return head + good[HEAD_BYTES:]
    tree = HashTree()
    tree.add(head)
    body = good[HEAD_BYTES:-TRAILER_BYTES]
    for start in range(0, len(body), 1 << 16):
        tree.add(body[start : start + (1 << 16)])
    return head + body + tree.root() + signer.keys().writer.sign(sealing.SIGNATURE_CONTEXT + tree.root())


def _flip(value: bytes, at: int) -> bytes:
    return value[:at] + bytes([value[at] ^ 1]) + value[at + 1 :]


def vectors() -> list[Vector]:
    """Make every vector of the three folders."""
    return [*(_container(each) for each in cases()), *_keys(), *_layouts()]


def _container(case: Case) -> Vector:
    keys = case.tried.keys()
    facts: Facts = {"recovery_key": case.tried.text()}
    facts |= outcome(case.container, case.tried)
    if facts["expect"] == OPENS:
        head = decode(case.container[:HEAD_BYTES])
        found = sealing.find_slot(
            head.slots, keys.slot_secret, head.cost, bound=sealing.bound_to(head.locator, head.generation)
        )
        facts |= {
            "steps": {
                "slot_secret": keys.slot_secret.hex(),
                "write_seed": keys.writer.seed.hex(),
                "data_key": found[1].hex() if found else "",
            }
        }
    return Vector(folder=CONTAINER, name=case.name, about=case.about, binary=case.container, facts=facts)


def outcome(container: bytes, tried: RecoveryKey) -> Facts:
    """Open a container with a key and say how it ends."""
    try:
        opened = open_container(container, tried.keys())
    except BackupError as error:
        return {"expect": error.reason}
    return {
        "expect": OPENS,
        "generation": opened.head.generation,
        "size_bucket": opened.head.size_bucket,
        "locator": opened.head.locator.hex(),
        "write_public_key": opened.head.write_public.hex(),
        "digest": opened.digest.hex(),
        "content_sha256": hashlib.sha256(opened.content).hexdigest(),
        "content_bytes": len(opened.content),
    }


def _keys() -> Iterator[Vector]:
    """Make the spellings of a key; the binary is what was typed."""
    text = key_of("owner").text()
    typed = {
        "as_printed": ("As it is printed.", text),
        "as_spoken": (
            "Lower case, spaces, and letters that look like digits.",
            text.lower().replace("-", " ").replace("0", "o"),
        ),
        "as_scanned": ("From the QR code.", key_of("owner").qr_text()),
        "zeros": ("The key of sixteen zero bytes.", RecoveryKey(bytes(16)).text()),
        "bad_symbol": ("One symbol is another one, in group 3.", text[:11] + _other(text[11]) + text[12:]),
        "bad_swap": ("Two neighbours changed places.", text[:1] + text[2] + text[1] + text[3:]),
        "bad_letter": ("A letter that no key has.", text[:-1] + "U"),
        "bad_short": ("One symbol is missing.", text[:-1]),
        "bad_long": ("One symbol too many.", text + "0"),
    }
    for name, (about, said) in typed.items():
        yield Vector(folder=KEY, name=name, about=about, binary=said.encode(), facts=spelling(said))


def spelling(said: str) -> Facts:
    """Read a key and say what it is."""
    try:
        key = parse_recovery_key(said)
    except BackupError as error:
        return {"expect": error.reason, "group": getattr(error, "group", None)}
    keys = key.keys()
    return {
        "expect": "READS",
        "test_recovery_key": key.raw.hex(),
        "text": key.text(),
        "locator": keys.locator.hex(),
        "write_public_key": keys.writer.public().hex(),
    }


def _other(symbol: str) -> str:
    return "7" if symbol != "7" else "8"


def _layouts() -> Iterator[Vector]:
    """Make plaintexts that conform and that do not."""
    good = encode_layout(small_layout())
    lost, twice, far = small_layout(), small_layout(), small_layout()
    lost.placements[0].room_ordinal = 9
    twice.nodes.append(twice.nodes[0])
    far.placements[0].height_mm = 20001
    cases = {
        "small": ("A lamp in a kitchen.", good),
        "empty_home": ("A home with nothing in it.", pb.Layout(format_version=1).SerializeToString()),
        "bad_unknown_field": (
            "A name was smuggled into a field that the contract does not know.",
            good + bytes_field(64, b"Ada"),
        ),
        "bad_unknown_nested": (
            "The same inside a room.",
            good + bytes_field(4, varint_field(1, 2) + bytes_field(9, b"Ada")),
        ),
        "bad_order": ("Fields out of order: not the one encoding.", good[2:] + good[:2]),
        "bad_version": ("Version 2.", pb.Layout(format_version=2).SerializeToString()),
        "bad_reference": ("A placement in a room that is not there.", lost.SerializeToString(deterministic=True)),
        "bad_twice": ("Two nodes of one number.", twice.SerializeToString(deterministic=True)),
        "bad_range": ("A lamp above 20 m.", far.SerializeToString(deterministic=True)),
        "bad_no_protobuf": ("No Layout.", b"\xff\xff\xff"),
    }
    for name, (about, binary) in cases.items():
        yield Vector(folder=LAYOUT, name=name, about=about, binary=binary, facts=conformance(binary))


def conformance(binary: bytes) -> Facts:
    """Check a plaintext and say whether it conforms, and how it reads."""
    if any(findings(binary)):
        return {"expect": "REFUSED"}
    fields = MessageToDict(pb.Layout.FromString(binary), preserving_proto_field_name=True)
    return {"expect": "CONFORMS", "fields": fields}
