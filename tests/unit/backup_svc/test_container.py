"""Everything that is not a sealed container, whole and unchanged, is refused without a key."""

from __future__ import annotations

import gzip
import hashlib
import json
import secrets
import zlib
from datetime import date

import pytest

from backup_svc.domain.container import HEAD_BYTES, ContainerVerifier, Refusal, Verified, read_head
from backup_svc.domain.lineage import Backup, Place, place, purge_day
from sdk.backup import sealing
from sdk.backup.head import TRAILER_BYTES, KdfCost
from sdk.backup.recovery_key import RecoveryKey
from sdk.backup.tree import HashTree
from sdk.backup.writer import Recipe, write
from sdk.golden.backups import rehead
from sdk.golden.files import Vector, load

KEY = RecoveryKey(bytes(range(16)))
RECIPE = Recipe(keys=KEY.keys(), cost=KdfCost(memory_kib=19456, iterations=2))
GOOD = write(secrets.token_bytes(60_000), RECIPE)
GOLDEN = {
    "bad_magic": Refusal.MAGIC,
    "bad_plaintext": Refusal.MAGIC,
    "bad_version": Refusal.UNSUPPORTED,
    "bad_suite": Refusal.UNSUPPORTED,
    "bad_content_type": Refusal.UNSUPPORTED,
    "bad_kdf_weak": Refusal.KDF_BOUNDS,
    "bad_kdf_dear": Refusal.KDF_BOUNDS,
    "bad_bucket": Refusal.SIZE,
    "bad_long": Refusal.SIZE,
    "bad_head_bit": Refusal.HEAD,
    "bad_head_check": Refusal.HEAD,
    "bad_zero": Refusal.HEAD,
    "bad_commitment": Refusal.HASH_TREE,
    "bad_wrapped": Refusal.HASH_TREE,
    "bad_chunk": Refusal.HASH_TREE,
    "bad_root": Refusal.HASH_TREE,
    "bad_signature": Refusal.SIGNATURE,
    "bad_cut_byte": Refusal.TRUNCATED,
    "bad_cut_chunk": Refusal.TRUNCATED,
    "bad_cut_head": Refusal.TRUNCATED,
    "bad_empty": Refusal.TRUNCATED,
}


def verify(data: bytes, step: int = 1 << 16) -> Verified | Refusal:
    verifier = ContainerVerifier()
    for at in range(0, len(data), step):
        verifier.feed(data[at : at + step])
    return verifier.finish()


def around(body: bytes) -> bytes:
    """Put a body that is not sealed between a head and a trailer that hold."""
    bucket = max(16, (len(body) + HEAD_BYTES + TRAILER_BYTES - 1).bit_length())
    size = (1 << bucket) - HEAD_BYTES - TRAILER_BYTES
    head = rehead(GOOD.container[:HEAD_BYTES], 7, bytes([bucket]))
    filled = (body * (size // len(body) + 1))[:size]
    tree = HashTree()
    tree.add(head)
    for at in range(0, size, 1 << 16):
        tree.add(filled[at : at + (1 << 16)])
    signature = KEY.keys().writer.sign(sealing.SIGNATURE_CONTEXT + tree.root())
    return head + filled + tree.root() + signature


@pytest.mark.parametrize("vector", load("backup"), ids=lambda each: each.name)
def test_the_golden_vectors_end_as_the_table_says(vector: Vector) -> None:
    found = verify(vector.binary)
    if isinstance(found, Refusal):
        assert GOLDEN[vector.name] is found
    else:
        assert vector.name not in GOLDEN
        assert vector.facts.get("digest", found.digest.hex()) == found.digest.hex()


@pytest.mark.parametrize("step", [1, 511, 4096, 65_537, 1 << 20])
def test_pieces_of_any_size_are_the_same_container(step: int) -> None:
    found = verify(GOOD.container if step > 1 else GOOD.container[:60_000], step)
    assert found is Refusal.TRUNCATED if step == 1 else isinstance(found, Verified)


def test_each_bit_of_the_head_is_refused() -> None:
    for bit in range(HEAD_BYTES * 8):
        head = bytearray(GOOD.container[:HEAD_BYTES])
        head[bit // 8] ^= 1 << bit % 8
        assert isinstance(read_head(bytes(head)), Refusal), bit


def test_each_byte_of_the_head_is_refused_even_when_its_check_is_mended() -> None:
    """A sound field with another value gets past the head; then tree and signature tell."""
    for at in (*range(144), *range(144, HEAD_BYTES - 32, 7)):
        assert isinstance(verify(rehead(GOOD.container, at, bytes([GOOD.container[at] ^ 1]))), Refusal), at


def test_sampled_bits_of_body_and_trailer_are_refused() -> None:
    size = len(GOOD.container)
    for at in (*range(HEAD_BYTES, size - TRAILER_BYTES, 7919), *range(size - TRAILER_BYTES, size)):
        changed = bytearray(GOOD.container)
        changed[at] ^= 1 << at % 8
        assert verify(bytes(changed)) in {Refusal.HASH_TREE, Refusal.SIGNATURE}, at


def test_every_truncation_is_refused() -> None:
    size = len(GOOD.container)
    verifier = ContainerVerifier()
    for at in range(size - 1):  # one byte at a time: at no length before the last is it whole
        if at < 2000 or at % 997 == 0 or at > size - 200:
            assert verifier.finish() is Refusal.TRUNCATED
        verifier.feed(GOOD.container[at : at + 1])
    assert verifier.finish() is Refusal.TRUNCATED
    verifier.feed(GOOD.container[-1:])
    assert isinstance(verifier.finish(), Verified)


def test_memory_is_one_chunk_whatever_the_length() -> None:
    verifier = ContainerVerifier()
    container = write(secrets.token_bytes(8_000_000), RECIPE).container
    most = 0
    for at in range(0, len(container), 10_000):
        verifier.feed(container[at : at + 10_000])
        most = max(most, len(verifier._waiting))
    assert isinstance(verifier.finish(), Verified)
    assert most < 1 << 16


TEXT = json.dumps([{"device": each, "room": "kitchen", "on": each % 3 == 0} for each in range(40_000)]).encode()


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(TEXT, id="plaintext"),
        pytest.param(bytes(100_000), id="zeros"),
        pytest.param(gzip.compress(TEXT, 1), id="gzip"),
        pytest.param(zlib.compress(TEXT, 9), id="zlib without its magic"),
        pytest.param(b"PK\x03\x04" + secrets.token_bytes(100_000), id="zip"),
        pytest.param(b"age-encryption.org/v1\n" + secrets.token_bytes(100_000), id="age"),
        pytest.param(b"Salted__" + secrets.token_bytes(100_000), id="openssl enc"),
        pytest.param(secrets.token_bytes(100_000).hex().encode(), id="hex"),
        pytest.param(hashlib.shake_256(b"x").digest(1024) * 70, id="cipher without chaining"),
        pytest.param(bytes(range(256)) * 300, id="counter"),
    ],
)
def test_a_signed_container_with_a_body_that_is_not_sealed_is_refused(body: bytes) -> None:
    assert verify(around(body)) is Refusal.NOT_RANDOM


@pytest.mark.parametrize("foreign", [TEXT, gzip.compress(TEXT), b"age-encryption.org/v1\n", secrets.token_bytes(65536)])
def test_files_of_others_are_refused(foreign: bytes) -> None:
    assert verify(foreign.ljust(65536, b"\0")) is Refusal.MAGIC


def test_what_is_sealed_is_never_taken_for_something_else() -> None:
    for _ in range(20):
        assert isinstance(verify(write(TEXT, RECIPE).container), Verified)


def test_where_a_container_may_stand() -> None:
    found = verify(GOOD.container)
    assert isinstance(found, Verified)
    head, digest = found.head, found.digest
    line = Backup(
        locator=head.locator,
        write_key=head.write_key,
        newest_generation=1,
        newest_digest=digest,
        purge_day=purge_day(date(2026, 1, 1)),
    )
    assert place(None, head, digest) is Place.NEXT
    assert place(line, head, digest) is Place.SAME
    assert place(line, head, bytes(32)) is Refusal.FORK
    ahead = verify(
        write(b"", Recipe(keys=RECIPE.keys, cost=RECIPE.cost, generation=2, previous_digest=digest)).container
    )
    assert isinstance(ahead, Verified)
    assert place(line, ahead.head, ahead.digest) is Place.NEXT
    assert place(None, ahead.head, ahead.digest) is Refusal.GENERATION
    fork = verify(
        write(b"", Recipe(keys=RECIPE.keys, cost=RECIPE.cost, generation=2, previous_digest=b"x" * 32)).container
    )
    assert isinstance(fork, Verified)
    assert place(line, fork.head, fork.digest) is Refusal.FORK
