"""Codes and tokens: long enough, found by what is no secret, compared as hashes."""

from __future__ import annotations

import base64

import pytest

from portal_svc.domain import tokens


def test_a_code_is_128_random_bits_in_22_symbols() -> None:
    codes = {tokens.new_code() for _ in range(100)}
    assert len(codes) == 100
    assert {len(each) for each in codes} == {22}
    assert len(base64.urlsafe_b64decode(codes.pop() + "==")) == 16


def test_what_finds_a_code_is_no_part_of_what_is_compared() -> None:
    code = tokens.new_code()
    locator, digest = tokens.code_locator(code), tokens.code_digest(code)
    assert (len(locator), len(digest)) == (8, 32)
    assert locator not in digest
    assert (tokens.code_locator(code), tokens.code_digest(code)) == (locator, digest)


def test_a_token_has_the_shape_of_the_contract() -> None:
    made = tokens.new_token()
    assert made.text.startswith(f"orat_{made.token_id.hex()}_")
    assert len(made.text) == 5 + 16 + 1 + 43
    assert tokens.token_id_of(made.text) == made.token_id
    assert made.text not in repr(made)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "orat_",
        "orat_0123456789abcdef_" + "x" * 42,
        "orat_0123456789abcdef_" + "x" * 44,
        "orat_0123456789ABCDEF_" + "x" * 43,
        "orat_0123456789abcde\u0660_" + "x" * 43,
        "ora_0123456789abcdef_" + "x" * 43,
        "orat_0123456789abcdef_" + "x" * 43 + "\n",
        "orat_0123456789abcdef_" + "x" * 42 + "=",
    ],
)
def test_what_is_no_token_has_no_id(text: str) -> None:
    assert tokens.token_id_of(text) is None


def test_nothing_is_like_nothing() -> None:
    digest = tokens.token_digest("a")
    assert tokens.same(digest, tokens.token_digest("a"))
    assert not tokens.same(digest, tokens.token_digest("b"))
    assert not tokens.same(None, bytes(32))
