"""The way to an HSM, on SoftHSM: keys stay inside, and a token that went away comes back."""

from __future__ import annotations

import copy
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import uuid4

import pkcs11
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from mesh.errors import UnavailableError
from mesh.pkcs11 import KeyMissingError, Pkcs11Config, Token

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.debian("softhsm2")
NONCE = b"n" * 12


@pytest.fixture
def token(hsm: Pkcs11Config) -> Iterator[Token]:
    made = Token(hsm)
    yield made
    made.close()


def test_what_was_encrypted_opens_with_its_key_and_binding_alone(token: Token) -> None:
    one, other = f"t/{uuid4()}", f"t/{uuid4()}"
    token.make_aes(one)
    token.make_aes(other)
    sealed = token.encrypt(one, NONCE, b"secret", b"bound")
    assert token.decrypt(one, NONCE, sealed, b"bound") == b"secret"
    assert token.decrypt(one, NONCE, sealed, b"else") is None
    assert token.decrypt(other, NONCE, sealed, b"bound") is None
    assert token.decrypt(one, NONCE, sealed[:-1] + b"\x00", b"bound") is None
    assert token.decrypt(one, NONCE, b"short", b"bound") is None


def test_keys_are_found_by_the_beginning_of_their_label(token: Token) -> None:
    prefix = f"t/{uuid4()}"
    for each in ("b", "a"):
        token.make_aes(f"{prefix}/{each}")
    assert token.labels(prefix) == [f"{prefix}/a", f"{prefix}/b"]
    with pytest.raises(KeyMissingError):
        token.encrypt(f"{prefix}/c", NONCE, b"", b"")


@pytest.mark.parametrize("curve", ["secp256r1", "secp384r1"])
def test_a_signing_key_signs_as_cryptography_wants_it(token: Token, curve: str) -> None:
    label = f"s/{uuid4()}"
    made = token.make_signing_key(label, curve)
    found = token.signing_key(label)
    assert found.public_key() == made.public_key()
    assert found.curve.name == curve
    assert found.key_size == found.public_key().key_size
    assert copy.deepcopy(found) is copy.copy(found) is found
    digest = hashes.Hash(hashes.SHA384())
    digest.update(b"said")
    for algorithm, data in (
        (ec.ECDSA(hashes.SHA256()), b"said"),
        (ec.ECDSA(Prehashed(hashes.SHA384())), digest.finalize()),
    ):
        found.public_key().verify(found.sign(data, algorithm), data, algorithm)
    with pytest.raises(KeyMissingError):
        token.signing_key("none")


def test_a_private_key_does_not_leave(token: Token) -> None:
    key = token.make_signing_key(f"s/{uuid4()}")
    with pytest.raises(TypeError):
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(TypeError):
        key.private_numbers()
    with pytest.raises(TypeError):
        key.exchange(ec.ECDH(), key.public_key())


def test_a_secret_key_does_not_leave(token: Token) -> None:
    label = f"t/{uuid4()}"
    token.make_aes(label)
    with token.session() as session:
        key = session.get_key(label=label)
        with pytest.raises(pkcs11.AttributeSensitive):
            _ = key[pkcs11.Attribute.VALUE]


def test_after_a_failure_the_token_serves_again(token: Token) -> None:
    label = f"t/{uuid4()}"
    token.make_aes(label)
    with pytest.raises(UnavailableError) as refused, token.session():
        raise pkcs11.DeviceError
    assert refused.value.reason == "HSM_UNAVAILABLE"
    assert token.labels(label) == [label]


def test_many_threads_may_ask_at_once(token: Token) -> None:
    label = f"t/{uuid4()}"
    token.make_aes(label)
    sealed = token.encrypt(label, NONCE, b"secret", b"")
    with ThreadPoolExecutor(8) as threads:
        opened = threads.map(lambda _: token.decrypt(label, NONCE, sealed, b""), range(100))
    assert set(opened) == {b"secret"}


def test_two_users_of_one_token_do_not_log_each_other_out_for_good(hsm: Pkcs11Config) -> None:
    first, second = Token(hsm), Token(hsm)
    label = f"t/{uuid4()}"
    first.make_aes(label)
    assert second.labels(label) == [label]
    first.close()
    with pytest.raises(UnavailableError):
        second.encrypt(label, NONCE, b"", b"")
    assert len(second.encrypt(label, NONCE, b"", b"")) == 16
    second.close()


def test_a_token_that_is_away_is_unavailable(hsm: Pkcs11Config, tmp_path: Path) -> None:
    for wrong in (
        replace(hsm, token=hsm.token * 2),
        replace(hsm, pin_file=tmp_path / "none"),
        replace(hsm, module="/none"),
    ):
        with pytest.raises(UnavailableError) as refused:
            Token(wrong).labels("")
        assert refused.value.reason == "HSM_UNAVAILABLE"


def test_half_a_configuration_is_none() -> None:
    with pytest.raises(ValueError, match="ORA_PKCS11_PIN_FILE"):
        Pkcs11Config(module="x")
    assert Pkcs11Config().module == ""
