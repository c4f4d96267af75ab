from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdk.backup.errors import RecoveryKeyError
from sdk.backup.recovery_key import RecoveryKey, new_recovery_key, parse_recovery_key
from sdk.backup.symbols import ALPHABET

KEY = RecoveryKey(bytes.fromhex("00112233445566778899aabbccddeeff"))
PLAIN = KEY.text().replace("-", "")


@given(st.binary(min_size=16, max_size=16))
def test_every_key_reads_as_it_is_printed(raw: bytes) -> None:
    key = RecoveryKey(raw)
    assert parse_recovery_key(key.text()) == key
    assert parse_recovery_key(key.qr_text()) == key
    assert len(key.text()) == 28 + 6


def test_case_spaces_and_letters_like_digits_do_not_matter() -> None:
    assert parse_recovery_key(" " + KEY.text().lower().replace("-", " ").replace("0", "o").replace("1", "l")) == KEY


def test_each_single_wrong_symbol_is_located() -> None:
    for place, symbol in itertools.product(range(28), ALPHABET):
        if symbol == PLAIN[place]:
            continue
        with pytest.raises(RecoveryKeyError) as raised:
            parse_recovery_key(PLAIN[:place] + symbol + PLAIN[place + 1 :])
        assert raised.value.group == place // 4 + 1


def test_each_two_symbols_that_changed_places_are_noticed() -> None:
    for left, right in itertools.combinations(range(28), 2):
        typed = list(PLAIN)
        typed[left], typed[right] = typed[right], typed[left]
        if typed == list(PLAIN):
            continue
        with pytest.raises(RecoveryKeyError):
            parse_recovery_key("".join(typed))


@given(st.tuples(st.integers(0, 27), st.integers(0, 27)), st.sampled_from(ALPHABET), st.sampled_from(ALPHABET))
def test_two_wrong_symbols_are_noticed(places: tuple[int, int], first: str, second: str) -> None:
    typed = list(PLAIN)
    typed[places[0]], typed[places[1]] = first, second
    if typed == list(PLAIN):
        return
    with pytest.raises(RecoveryKeyError):
        parse_recovery_key("".join(typed))


@pytest.mark.parametrize("typed", ["", PLAIN[:-1], PLAIN + "0", PLAIN[:-1] + "U", "é" * 28, PLAIN[:27] + "\0"])
def test_what_is_no_key_is_refused(typed: str) -> None:
    with pytest.raises(RecoveryKeyError):
        parse_recovery_key(typed)


def test_keys_of_two_recovery_keys_have_nothing_in_common() -> None:
    one, other = new_recovery_key().keys(), new_recovery_key().keys()
    assert one.locator != other.locator
    assert one.writer.public() != other.writer.public()
