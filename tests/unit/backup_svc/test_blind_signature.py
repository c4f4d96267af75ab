"""RSABSSA on both sides, and what a signer can and cannot tell."""

from __future__ import annotations

import secrets

import pytest
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.hashes import SHA384
from cryptography.hazmat.primitives.serialization import load_der_private_key

from backup_svc.domain import blind_signature
from sdk.backup import tickets
from sdk.backup.errors import DamagedError

KEY, PRIVATE = blind_signature.generate()
DER = KEY.public_der()


def test_an_unblinded_signature_is_an_ordinary_pss_signature() -> None:
    blinded = tickets.blind(DER)
    answer = KEY.sign(blinded.message)
    assert answer is not None
    assert blind_signature.is_signed(DER, blinded.input, tickets.finish(blinded, answer))


def test_what_the_library_signs_is_a_ticket_too() -> None:
    """The encoding and the numbers agree with another implementation."""
    message = secrets.token_bytes(64)
    private = load_der_private_key(PRIVATE, password=None)
    signature = private.sign(message, padding.PSS(padding.MGF1(SHA384()), 48), SHA384())  # type: ignore[union-attr, call-arg, arg-type]
    assert blind_signature.is_signed(DER, message, signature)


def test_the_same_blinded_message_has_the_same_signature() -> None:
    blinded = tickets.blind(DER)
    assert KEY.sign(blinded.message) == KEY.sign(blinded.message)


def test_a_signature_for_another_message_or_key_is_none() -> None:
    blinded, other = tickets.blind(DER), tickets.blind(DER)
    answer = KEY.sign(blinded.message)
    assert answer is not None
    with pytest.raises(DamagedError):
        tickets.finish(other, answer)
    stranger, _ = blind_signature.generate()
    signature = tickets.finish(blinded, answer)
    assert not blind_signature.is_signed(stranger.public_der(), blinded.input, signature)
    assert not blind_signature.is_signed(DER, other.input, signature)


@pytest.mark.parametrize("message", [b"", bytes(384), b"\0" * 383 + b"\1", b"\xff" * 384, secrets.token_bytes(383)])
def test_what_is_no_blinded_message_is_not_signed(message: bytes) -> None:
    assert KEY.sign(message) is None


def test_a_blinded_message_fits_every_ticket() -> None:
    """For each ticket there is a factor that makes it of any blinded message: so what was sent tells nothing."""
    numbers = load_der_private_key(PRIVATE, password=None).private_numbers()  # type: ignore[union-attr]
    modulus, exponent, d = numbers.public_numbers.n, numbers.public_numbers.e, numbers.d  # type: ignore[union-attr]
    sent = int.from_bytes(tickets.blind(DER).message, "big")
    for _ in range(3):
        encoded = int.from_bytes(
            tickets.pss_encode(secrets.token_bytes(64), modulus.bit_length() - 1, secrets.token_bytes(48)), "big"
        )
        factor = pow(sent * pow(encoded, -1, modulus) % modulus, d, modulus)
        assert encoded * pow(factor, exponent, modulus) % modulus == sent


def test_a_key_that_is_no_rsa_key_is_refused() -> None:
    with pytest.raises((DamagedError, ValueError)):
        tickets.blind(b"x")
