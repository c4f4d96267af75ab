"""Owns the Hub's side of backup tickets: RSABSSA-SHA384-PSS-Randomized (RFC 9474). It knows no network.

The Hub blinds an input of its own, has it signed under its name, and unblinds: who
signed cannot tell which ticket it was.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from math import gcd
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA384

from sdk.backup.errors import DamagedError

INPUT_BYTES: Final = 64
HASH_BYTES: Final = 48
_TRAILER: Final = b"\xbc"


@dataclass(frozen=True, slots=True, repr=False)
class Blinded:
    """A ticket on its way to be signed. Nothing of it shows in a repr."""

    key_id: bytes
    public_der: bytes
    input: bytes
    """64 bytes: message randomizer (32) ‖ nonce (32)."""
    message: bytes
    """What is sent to be signed."""
    inverse: int
    """What unblinds; used once and forgotten."""


def blind(public_der: bytes) -> Blinded:
    """Make a ticket's input and blind it for the key that everybody gets."""
    key = _public(public_der)
    modulus, exponent = key.public_numbers().n, key.public_numbers().e
    message = secrets.token_bytes(INPUT_BYTES)
    encoded = int.from_bytes(pss_encode(message, modulus.bit_length() - 1, secrets.token_bytes(HASH_BYTES)), "big")
    if gcd(encoded, modulus) != 1:
        raise DamagedError("the ticket key is not one")
    factor = secrets.randbelow(modulus - 2) + 2
    blinded = encoded * pow(factor, exponent, modulus) % modulus
    return Blinded(
        key_id=hashlib.sha256(public_der).digest()[:8],
        public_der=public_der,
        input=message,
        message=blinded.to_bytes(key.key_size // 8, "big"),
        inverse=pow(factor, -1, modulus),
    )


def finish(blinded: Blinded, signature: bytes) -> bytes:
    """Unblind what came back; return the ticket's signature.

    Raises:
        DamagedError: it is not the key's signature.
    """
    key = _public(blinded.public_der)
    modulus = key.public_numbers().n
    unblinded = (int.from_bytes(signature, "big") * blinded.inverse % modulus).to_bytes(key.key_size // 8, "big")
    try:
        key.verify(unblinded, blinded.input, padding.PSS(padding.MGF1(SHA384()), HASH_BYTES), SHA384())
    except InvalidSignature:
        raise DamagedError("the ticket is not signed by its key") from None
    return unblinded


def pss_encode(message: bytes, bits: int, salt: bytes) -> bytes:
    """EMSA-PSS-ENCODE with SHA-384 and MGF1 (RFC 8017 §9.1.1)."""
    length = (bits + 7) // 8
    digest = hashlib.sha384(bytes(8) + hashlib.sha384(message).digest() + salt).digest()
    block = b"\1".rjust(length - len(salt) - HASH_BYTES - 1, b"\0") + salt
    mask = b"".join(
        hashlib.sha384(digest + counter.to_bytes(4, "big")).digest() for counter in range(-(-len(block) // HASH_BYTES))
    )
    masked = int.from_bytes(block, "big") ^ int.from_bytes(mask[: len(block)], "big")
    masked &= (1 << len(block) * 8 - (8 * length - bits)) - 1
    return masked.to_bytes(len(block), "big") + digest + _TRAILER


def _public(public_der: bytes) -> rsa.RSAPublicKey:
    key = serialization.load_der_public_key(public_der)
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size < 2048:  # noqa: PLR2004 - the contract's least
        raise DamagedError("the ticket key is not one")
    return key
