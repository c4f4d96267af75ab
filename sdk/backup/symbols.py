"""Owns the spelling of a Recovery Key: 28 symbols, of which two are there to find what was mistyped. It knows no key.

Symbols are Crockford's base32. The first 26 hold 128 bits of key and two zero bits; the last two make all 28 a
Reed-Solomon word over GF(32): the word's polynomial is zero at g and at g², where g is x. Two wrong symbols anywhere,
so also two that changed places, are always found, and a single wrong one is located.
"""

from __future__ import annotations

from typing import Final

from sdk.backup.errors import RecoveryKeyError

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
SYMBOLS: Final = 28
GROUP: Final = 4
KEY_BYTES: Final = 16
_DATA: Final = 26
_SPARE_BITS: Final = _DATA * 5 - KEY_BYTES * 8
_MEANT: Final = str.maketrans({"O": "0", "I": "1", "L": "1"})
_FIELD: Final = 32
_ORDER: Final = _FIELD - 1
_POLYNOMIAL: Final = 0b100101  # x^5 + x^2 + 1, primitive


def _powers() -> list[int]:
    powers, value = [], 1
    for _ in range(_ORDER):
        powers.append(value)
        value <<= 1
        if value & _FIELD:
            value ^= _POLYNOMIAL
    return powers


_EXP: Final = _powers()
_LOG: Final = {value: power for power, value in enumerate(_EXP)}


def spell(key: bytes) -> str:
    """Return the 28 symbols of 16 bytes, in 7 groups of 4."""
    if len(key) != KEY_BYTES:
        raise ValueError(f"a Recovery Key has {KEY_BYTES} bytes")
    number = int.from_bytes(key, "big") << _SPARE_BITS
    data = [number >> 5 * (_DATA - 1 - place) & _ORDER for place in range(_DATA)]
    text = "".join(ALPHABET[each] for each in _with_check(data))
    return "-".join(text[start : start + GROUP] for start in range(0, SYMBOLS, GROUP))


def read(text: str) -> bytes:
    """Return the 16 bytes of what somebody typed. Case, spaces and hyphens do not matter; O is 0, I and L are 1.

    Raises:
        RecoveryKeyError: it is not a key; `group` says where to look, if that can be told.
    """
    typed = "".join(text.split()).replace("-", "").upper().translate(_MEANT)
    for place, symbol in enumerate(typed[:SYMBOLS]):
        if symbol not in ALPHABET:
            raise RecoveryKeyError("a symbol that no key has", group=place // GROUP + 1)
    if len(typed) != SYMBOLS:
        raise RecoveryKeyError(f"a Recovery Key has {SYMBOLS} symbols, these are {len(typed)}")
    word = [ALPHABET.index(symbol) for symbol in typed]
    syndromes = _at(word, 1), _at(word, 2)
    if syndromes != (0, 0):
        raise RecoveryKeyError("the key was not typed as it is printed", group=_group_of(syndromes))
    number = 0
    for value in word[:_DATA]:
        number = number << 5 | value
    if number & (1 << _SPARE_BITS) - 1:
        raise RecoveryKeyError("a key of a later version")
    return (number >> _SPARE_BITS).to_bytes(KEY_BYTES, "big")


def _with_check(data: list[int]) -> list[int]:
    """Divide by the generator (x - g)(x - g²) = x² + (g + g²)x + g³; the remainder is the check."""
    middle, last = _EXP[1] ^ _EXP[2], _EXP[3]
    rest = [*data, 0, 0]
    for place in range(len(data)):
        factor = rest[place]
        rest[place + 1] ^= _times(factor, middle)
        rest[place + 2] ^= _times(factor, last)
    return data + rest[len(data) :]


def _times(left: int, right: int) -> int:
    return _EXP[(_LOG[left] + _LOG[right]) % _ORDER] if left and right else 0


def _at(word: list[int], power: int) -> int:
    """Evaluate the word's polynomial at g^power; the first symbol has the highest degree."""
    value = 0
    for symbol in word:
        value = _times(value, _EXP[power]) ^ symbol
    return value


def _group_of(syndromes: tuple[int, int]) -> int | None:
    """Locate one wrong symbol: the second syndrome over the first is g^degree."""
    first, second = syndromes
    if not first or not second:
        return None
    degree = (_LOG[second] - _LOG[first]) % _ORDER
    return (SYMBOLS - 1 - degree) // GROUP + 1 if degree < SYMBOLS else None
