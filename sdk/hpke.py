"""Owns the HPKE suites (RFC 9180) and raw keys of envelopes and custody. It knows no message format and no sender.

HPKE itself is the `cryptography` library's. Its public one-shot functions take no AAD; those that do are the library's
own, kept for the RFC's vectors. This module is the only one that names them (docs/adr/0031), and its tests replay the
RFC's vector with an AAD, so a release without them fails in tests and not in a home.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, assert_never

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.bindings._rust import openssl as _openssl
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)

from sdk.errors import MalformedError, SuiteUnknownError, TamperedError

PRIVATE_KEY_BYTES: Final = 32  # both suites: an X25519 scalar, or an X-Wing seed
TAG_BYTES: Final = 16
_MLKEM_PUBLIC_BYTES: Final = 1184


class SuiteId(IntEnum):
    """The first byte of `sealed`."""

    SMALL = 1
    """DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-128-GCM: HPKE ids 0x0020, 0x0001, 0x0001."""
    HYBRID = 2
    """MLKEM768-X25519, HKDF-SHA256, AES-256-GCM: HPKE ids 0x647a, 0x0001, 0x0002."""

    @property
    def enc_bytes(self) -> int:
        """Length of the encapsulated key."""
        return _KEMS[self].enc_length()

    @property
    def public_key_bytes(self) -> int:
        """Length of a raw public key: X25519 (32), or ML-KEM-768 ‖ X25519 (1184 + 32)."""
        return 32 if self is SuiteId.SMALL else _MLKEM_PUBLIC_BYTES + 32

    @property
    def overhead_bytes(self) -> int:
        """Bytes of `sealed` that are not plaintext: the suite byte, enc and the tag."""
        return 1 + self.enc_bytes + TAG_BYTES


_KEMS: Final = {SuiteId.SMALL: KEM.X25519, SuiteId.HYBRID: KEM.MLKEM768_X25519}
_SUITES: Final = {
    SuiteId.SMALL: Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_128_GCM),
    SuiteId.HYBRID: Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM),
}
# Custody has AES-256-GCM in both suites (ora.portal.v1.HpkeSuite), and no AAD.
_STRONG: Final = {suite: Suite(kem, KDF.HKDF_SHA256, AEAD.AES_256_GCM) for suite, kem in _KEMS.items()}


def suite_of(number: int) -> SuiteId:
    """Return the suite with this number.

    Raises:
        SuiteUnknownError: there is none.
    """
    try:
        return SuiteId(number)
    except ValueError:
        raise SuiteUnknownError(f"suite {number} is not known") from None


@dataclass(frozen=True, slots=True)
class SealingPublicKey:
    """A receiver's public key: what others seal to. `raw` is `suite.public_key_bytes` long."""

    suite: SuiteId
    raw: bytes

    def __post_init__(self) -> None:
        if len(self.raw) != self.suite.public_key_bytes:
            raise MalformedError(f"a public key of suite {self.suite} has {self.suite.public_key_bytes} bytes")


@dataclass(frozen=True, slots=True, repr=False)
class SealingKey:
    """A receiver's private key: 32 bytes that never show in a repr.

    Suite 1: the X25519 private key (RFC 7748). Suite 2: the seed from which SHAKE256 makes 96 bytes: the ML-KEM-768
    seed d ‖ z (FIPS 203, 64 bytes) and the X25519 private key, as in X-Wing (draft-connolly-cfrg-xwing-kem).
    """

    suite: SuiteId
    raw: bytes

    def __post_init__(self) -> None:
        if len(self.raw) != PRIVATE_KEY_BYTES:
            raise MalformedError(f"a private key has {PRIVATE_KEY_BYTES} bytes")

    def __repr__(self) -> str:
        return f"SealingKey(suite={self.suite.name}, raw=<hidden>)"

    def public(self) -> SealingPublicKey:
        """Return the public half."""
        match self.suite:
            case SuiteId.SMALL:
                return SealingPublicKey(self.suite, _x25519(self.raw).public_key().public_bytes_raw())
            case SuiteId.HYBRID:
                mlkem, x25519 = _expand(self.raw)
                raw = mlkem.public_key().public_bytes_raw() + x25519.public_key().public_bytes_raw()
                return SealingPublicKey(self.suite, raw)
            case _:
                assert_never(self.suite)


def hpke_seal(public: SealingPublicKey, *, info: bytes, aad: bytes, plaintext: bytes) -> bytes:
    """Seal in base mode to ``public``; return enc ‖ ciphertext (RFC 9180 §6.1).

    Raises:
        MalformedError: the public key is no point or no encapsulation key.
    """
    try:
        return _openssl.hpke._encrypt_with_aad(_SUITES[public.suite], plaintext, _load(public), info, aad)  # noqa: SLF001
    except ValueError as error:
        raise MalformedError("the receiver's public key is not one") from error


def hpke_open(key: SealingKey, *, info: bytes, aad: bytes, enc_and_ciphertext: bytes) -> bytes:
    """Open enc ‖ ciphertext; return the plaintext.

    Raises:
        TamperedError: the tag does not match; the library does not say more, on purpose.
    """
    private = _x25519(key.raw) if key.suite is SuiteId.SMALL else MLKEM768X25519PrivateKey(*_expand(key.raw))
    try:
        return _openssl.hpke._decrypt_with_aad(_SUITES[key.suite], enc_and_ciphertext, private, info, aad)  # noqa: SLF001
    except InvalidTag:
        raise TamperedError("the seal does not match the header, the bytes and this key") from None


def strong_seal(public: SealingPublicKey, *, info: bytes, plaintext: bytes) -> tuple[bytes, bytes]:
    """Seal in base mode with AES-256-GCM, whatever the KEM; return enc and ciphertext.

    Raises:
        MalformedError: the public key is no point or no encapsulation key.
    """
    try:
        sealed = _STRONG[public.suite].encrypt(plaintext, _load(public), info)
    except ValueError as error:
        raise MalformedError("the receiver's public key is not one") from error
    return sealed[: public.suite.enc_bytes], sealed[public.suite.enc_bytes :]


def strong_open(key: SealingKey, *, info: bytes, enc: bytes, ciphertext: bytes) -> bytes:
    """Open what ``strong_seal`` made; return the plaintext.

    Raises:
        TamperedError: the tag does not match.
    """
    private = _x25519(key.raw) if key.suite is SuiteId.SMALL else MLKEM768X25519PrivateKey(*_expand(key.raw))
    try:
        return _STRONG[key.suite].decrypt(enc + ciphertext, private, info)
    except InvalidTag:
        raise TamperedError("the seal does not match its place, the bytes and this key") from None


def _load(public: SealingPublicKey) -> X25519PublicKey | MLKEM768X25519PublicKey:
    """Give the library's form of a public key."""
    if public.suite is SuiteId.SMALL:
        return X25519PublicKey.from_public_bytes(public.raw)
    return MLKEM768X25519PublicKey(
        MLKEM768PublicKey.from_public_bytes(public.raw[:_MLKEM_PUBLIC_BYTES]),
        X25519PublicKey.from_public_bytes(public.raw[_MLKEM_PUBLIC_BYTES:]),
    )


def _x25519(raw: bytes) -> X25519PrivateKey:
    return X25519PrivateKey.from_private_bytes(raw)


def _expand(seed: bytes) -> tuple[MLKEM768PrivateKey, X25519PrivateKey]:
    """Make both private keys of the hybrid KEM from its seed."""
    expanded = hashlib.shake_256(seed).digest(96)
    return MLKEM768PrivateKey.from_seed_bytes(expanded[:64]), _x25519(expanded[64:])
