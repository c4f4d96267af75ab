"""Owns the signer's and the verifier's side of RSABSSA-SHA384-PSS-Randomized (RFC 9474). It knows no Hub.

`BlindSign` is one private RSA operation on what the Hub sends. The `cryptography` library offers none without padding,
so it is here, blinded once more by the signer in base and exponent, so that its time follows neither the Hub's choice
nor the key (docs/adr/0081). Tickets are verified by the library: an unblinded signature is an ordinary RSASSA-PSS.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA384

KEY_BITS: Final = 3072
_KEY_ID_BYTES: Final = 8
_SALT_BYTES: Final = 48
_EXPONENT_BLINDING_BITS: Final = 128


class BlindSigningKey:
    """A private key that signs what it cannot see."""

    def __init__(self, key: rsa.RSAPrivateKey) -> None:
        numbers = key.private_numbers()
        self._public = key.public_key()
        self._n, self._e, self._d = numbers.public_numbers.n, numbers.public_numbers.e, numbers.d
        self._order = (numbers.p - 1) * (numbers.q - 1)
        self._size = key.key_size // 8

    def sign(self, blinded: bytes) -> bytes | None:
        """Sign a blinded message; None if it is none. The same message has the same signature."""
        message = int.from_bytes(blinded, "big")
        if len(blinded) != self._size or not 1 < message < self._n - 1:
            return None
        factor = secrets.randbelow(self._n - 2) + 2
        exponent = self._d + self._order * secrets.randbits(_EXPONENT_BLINDING_BITS)
        masked = message * pow(factor, self._e, self._n) % self._n
        signature = pow(masked, exponent, self._n) * pow(factor, -1, self._n) % self._n
        if pow(signature, self._e, self._n) != message:
            raise ArithmeticError("a blind signature does not hold: the key or the machine is at fault")
        return signature.to_bytes(self._size, "big")

    def public_der(self) -> bytes:
        """Return the public half, SubjectPublicKeyInfo."""
        return self._public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def generate() -> tuple[BlindSigningKey, bytes]:
    """Make a key; return it and its private bytes (PKCS 8, to be sealed at once)."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    encoded = key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return BlindSigningKey(key), encoded


def load(private: bytes) -> BlindSigningKey:
    """Read a key's private bytes."""
    key = serialization.load_der_private_key(private, password=None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError("a ticket key is an RSA key")
    return BlindSigningKey(key)


def key_id(public_der: bytes) -> bytes:
    """Return the first 8 bytes of the SHA-256 of a public key."""
    return hashlib.sha256(public_der).digest()[:_KEY_ID_BYTES]


def is_signed(public_der: bytes, message: bytes, signature: bytes) -> bool:
    """Tell whether a ticket's input (randomizer ‖ nonce) is signed."""
    key = serialization.load_der_public_key(public_der)
    if not isinstance(key, rsa.RSAPublicKey):
        raise TypeError("a ticket key is an RSA key")
    try:
        key.verify(signature, message, padding.PSS(padding.MGF1(SHA384()), _SALT_BYTES), SHA384())
    except InvalidSignature:
        return False
    return True


def ticket_digest(message: bytes) -> bytes:
    """Return what a spent ticket is remembered by."""
    return hashlib.sha256(b"ora backup ticket v1\0" + message).digest()
