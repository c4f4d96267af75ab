from __future__ import annotations

import secrets
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdk.backup.errors import (
    BackupError,
    DamagedError,
    NotABackupError,
    OlderKeyError,
    TooLargeError,
    TruncatedError,
    UnsupportedError,
    WrongKeyError,
)
from sdk.backup.head import HEAD_BYTES, KdfCost
from sdk.backup.reader import ContainerReader, open_container
from sdk.backup.recovery_key import RecoveryKey, new_recovery_key
from sdk.backup.writer import Recipe, bucket_for, room_in, write
from sdk.golden.backups import rehead

CHEAP = KdfCost(memory_kib=19456, iterations=2)
KEY = RecoveryKey(bytes(range(16)))
RECIPE = Recipe(keys=KEY.keys(), cost=CHEAP)
CONTENT = b"a home " * 20_000
GOOD = write(CONTENT, RECIPE)


def test_what_was_written_is_read() -> None:
    opened = open_container(GOOD.container, KEY.keys())
    assert opened.content == CONTENT
    assert opened.digest == GOOD.digest
    assert len(GOOD.container) == 1 << opened.head.size_bucket


@pytest.mark.parametrize("bucket", range(16, 24))
def test_every_bucket_holds_what_it_says_and_not_a_byte_more(bucket: int) -> None:
    content = secrets.token_bytes(room_in(bucket) - 2) + b"\x80\x00"
    assert len(write(content, RECIPE).container) == 1 << bucket
    assert open_container(write(content, RECIPE).container, KEY.keys()).content == content
    if bucket == 23:
        with pytest.raises(TooLargeError):
            bucket_for(len(content) + 1)
    else:
        assert bucket_for(len(content) + 1) == bucket + 1


@pytest.mark.parametrize("step", [7, 500, 512, 65536, 65537, 1 << 20])
def test_pieces_of_any_size_give_the_same_content(step: int) -> None:
    reader = ContainerReader(KEY.keys())
    content = b"".join(reader.feed(GOOD.container[at : at + step]) for at in range(0, len(GOOD.container), step))
    assert reader.finish()[1] == GOOD.digest
    assert content == CONTENT


@settings(max_examples=30, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 70_000))
def test_content_that_looks_like_padding_survives(tail: bytes, zeros: int) -> None:
    content = tail + b"\x80" + bytes(zeros)
    assert open_container(write(content, RECIPE).container, KEY.keys()).content == content


def test_each_bit_of_the_head_is_authenticated() -> None:
    for bit in range(HEAD_BYTES * 8):
        head = bytearray(GOOD.container[:HEAD_BYTES])
        head[bit // 8] ^= 1 << bit % 8
        with pytest.raises((DamagedError, NotABackupError, UnsupportedError)):
            ContainerReader(KEY.keys()).feed(bytes(head))


def test_a_head_made_consistent_again_does_not_open() -> None:
    """The head's own check is no secret: whoever changes the head mends it. The seal of the chunks still tells."""
    for at in (20, 24, 40, 72, 104, 136, 144 + 4, 144 + 20, 144 + 36):
        changed = bytes([GOOD.container[at] ^ 1])
        with pytest.raises(BackupError):
            open_container(rehead(GOOD.container, at, changed, signer=KEY), KEY.keys())


def test_sampled_bits_of_the_body_are_damage() -> None:
    for at in range(HEAD_BYTES, len(GOOD.container), 9973):
        changed = bytearray(GOOD.container)
        changed[at] ^= 1
        with pytest.raises(DamagedError):
            open_container(bytes(changed), KEY.keys())


def test_every_truncation_is_told_apart_from_damage() -> None:
    size = len(GOOD.container)
    for length in (*range(4), 4, 5, 300, 511, 512, 513, *range(1000, size, 40_009), size - 96, size - 1):
        with pytest.raises(TruncatedError):
            open_container(GOOD.container[:length], KEY.keys())


def test_bytes_after_the_end_are_damage() -> None:
    with pytest.raises(DamagedError):
        open_container(GOOD.container + b"\0", KEY.keys())


def test_chunks_that_changed_places_are_damage() -> None:
    body = GOOD.container[512:]
    swapped = GOOD.container[:512] + body[65536:131072] + body[:65536] + body[131072:]
    with pytest.raises(DamagedError):
        open_container(swapped, KEY.keys())


def test_wrong_key_older_key_damaged_and_truncated_are_four_answers() -> None:
    older = new_recovery_key()
    made = write(CONTENT, replace(RECIPE, generation=2, previous_digest=GOOD.digest, retired=(older.keys(),)))
    damaged = made.container[:-200] + b"\0" + made.container[-199:]
    tries = (
        (made.container, new_recovery_key(), WrongKeyError),
        (made.container, older, OlderKeyError),
        (damaged, KEY, DamagedError),
        (made.container[:-1], KEY, TruncatedError),
    )
    for container, key, answer in tries:
        with pytest.raises(answer) as raised:
            open_container(container, key.keys())
        assert type(raised.value) is answer


def test_a_second_sheet_opens_too() -> None:
    second = new_recovery_key()
    made = write(CONTENT, replace(RECIPE, others=(second.keys(),)))
    assert open_container(made.container, second.keys()).content == CONTENT


def test_two_containers_of_one_content_share_no_block() -> None:
    other = write(CONTENT, RECIPE).container
    blocks = {GOOD.container[at : at + 16] for at in range(512, len(other), 16)}
    assert not blocks & {other[at : at + 16] for at in range(512, len(other), 16)}


def test_a_recipe_that_no_reader_takes_is_refused() -> None:
    for wrong in (
        replace(RECIPE, generation=2),
        replace(RECIPE, previous_digest=GOOD.digest),
        replace(RECIPE, cost=KdfCost(memory_kib=8192)),
        replace(RECIPE, others=(KEY.keys(),) * 4),
    ):
        with pytest.raises(ValueError, match=r"digest|Argon2id"):
            write(b"", wrong)


def test_no_secret_shows_in_a_repr() -> None:
    keys = KEY.keys()
    for shown in (repr(KEY), repr(keys), repr(RECIPE), repr(keys.writer)):
        assert KEY.raw.hex() not in shown
        assert keys.slot_secret.hex() not in shown
        assert KEY.text() not in shown
