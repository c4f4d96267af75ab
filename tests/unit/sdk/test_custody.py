"""AccessKeys and Project Keys: what people type, what is derived, and what opens where."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sdk.access_key import AccessKey, new_access_key, parse_access_key, parse_qr, qr_png, qr_svg, qr_text
from sdk.backup.symbols import ALPHABET
from sdk.custody import Place, ProjectKey, new_project_key, open_sealed, seal, sign_demand
from sdk.errors import AccessKeyTextError, MalformedError, SealError
from sdk.hpke import SuiteId
from sdk.keys import new_signing_key
from sdk.statements import Context, Signature, check_statement

PLACE = Place(organization=b"o" * 16, project=b"p" * 16, generation=1, lock_epoch=1)


def test_every_mistyped_symbol_and_every_swap_of_neighbours_is_found() -> None:
    key = new_access_key()
    symbols = key.symbols()
    for place, symbol in enumerate(symbols):
        for other in ALPHABET.replace(symbol, ""):
            with pytest.raises(AccessKeyTextError):
                parse_access_key(symbols[:place] + other + symbols[place + 1 :])
    for place in range(len(symbols) - 1):
        swapped = symbols[:place] + symbols[place + 1] + symbols[place] + symbols[place + 2 :]
        if swapped != symbols:
            with pytest.raises(AccessKeyTextError):
                parse_access_key(swapped)


def test_a_key_is_read_as_people_type_it() -> None:
    key = AccessKey(1 << 29, bytes(range(15)))
    assert len(key.text()) == 39
    for typed in (key.text(), key.text().lower(), key.symbols(), f"  {key.text().replace('-', ' ')} "):
        assert parse_access_key(typed) == key


def test_the_code_has_51_characters_of_the_small_alphabet() -> None:
    key, mark = new_access_key(), b"\xff" * 8
    text = qr_text(key, mark)
    assert len(text) == 51
    assert set(text) <= set("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:")
    assert parse_qr(text) == (key, mark)
    assert qr_png(key, mark).startswith(b"\x89PNG\r\n")
    assert qr_svg(key, mark).startswith(b"<?xml")
    for wrong in (text[:-1], text.replace("ORA1", "ORA2"), text + "0", text.replace(":", "", 1) + "0"):
        with pytest.raises(AccessKeyTextError):
            parse_qr(wrong)
    with pytest.raises(ValueError, match="8 bytes"):
        qr_text(key, b"short")


def test_no_secret_shows() -> None:
    key, project_key = new_access_key(), new_project_key()
    for each in (key, key.keys(), project_key):
        assert repr(each).endswith("(<hidden>)")
    assert key.secret.hex() not in repr(key.material())


def test_impossible_keys_are_not_made() -> None:
    for locator, secret in ((1 << 30, bytes(15)), (-1, bytes(15)), (0, bytes(14))):
        with pytest.raises(ValueError, match="30 bits"):
            AccessKey(locator, secret)
    with pytest.raises(MalformedError):
        ProjectKey(bytes(31))
    for wrong in ({"organization": b""}, {"project": bytes(17)}, {"generation": 0}, {"lock_epoch": 0}):
        with pytest.raises(MalformedError):
            replace(PLACE, **wrong)


def test_both_suites_have_their_own_wrap_key_and_one_auth_key() -> None:
    small, hybrid = (new := new_access_key()).keys(SuiteId.SMALL), new.keys(SuiteId.HYBRID)
    assert small.auth == hybrid.auth
    assert small.wrap.raw != hybrid.wrap.raw
    assert len(new.material(SuiteId.HYBRID).wrap_public_key) == 1216


@pytest.mark.parametrize("suite", SuiteId)
def test_a_project_key_opens_at_its_place_alone(suite: SuiteId) -> None:
    wrap, key = new_access_key().keys(suite).wrap, new_project_key()
    sealed = seal(key, wrap.public(), PLACE)
    assert open_sealed(sealed, wrap, PLACE) == key
    for wrong in (
        replace(PLACE, organization=bytes(16)),
        replace(PLACE, project=bytes(16)),
        replace(PLACE, generation=2),
        replace(PLACE, lock_epoch=2),
    ):
        with pytest.raises(SealError):
            open_sealed(sealed, wrap, wrong)
        told = type(sealed).FromString(sealed.SerializeToString())
        told.generation, told.lock_epoch = wrong.generation, wrong.lock_epoch
        with pytest.raises(SealError):
            open_sealed(told, wrap, wrong)


def test_a_demand_is_signed_for_its_context_and_the_same_again() -> None:
    key = new_signing_key()
    demand = sign_demand(key, PLACE, created_ms=5)
    assert demand == sign_demand(key, PLACE, created_ms=5)
    made = Signature(signature=demand.signature, key_id=demand.key_id)
    check_statement(key.public(), Context.CUSTODY_RELEASE, demand.statement, made)
    with pytest.raises(SealError):
        check_statement(key.public(), Context.CONSENT, demand.statement, made)
