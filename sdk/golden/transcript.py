"""Owns the intermediate values of vectors: HPKE opened step by step, by the letter of RFC 9180.

It is here for people who debug another implementation, and to check the library against a second reading of the RFC.
Nothing that seals or opens for real may import it.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import asdict, dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sdk.hpke import SealingKey, SuiteId

_IDS: Final = {SuiteId.SMALL: (0x0020, 0x0001, 0x0001), SuiteId.HYBRID: (0x647A, 0x0001, 0x0002)}
_AEAD_KEY_BYTES: Final = {SuiteId.SMALL: 16, SuiteId.HYBRID: 32}
_XWING_LABEL: Final = b"\\.//^\\"
_MLKEM_CIPHERTEXT_BYTES: Final = 1088


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """What each step of opening gives. Names are the RFC's."""

    enc: bytes
    shared_secret: bytes
    key_schedule_context: bytes
    key: bytes
    base_nonce: bytes
    plaintext: bytes

    def hex(self, longest: int) -> dict[str, str]:
        """Return the values as hex; a value longer than ``longest`` bytes as its SHA-256, said in its name."""
        values: dict[str, bytes] = asdict(self)
        return {
            name if len(value) <= longest else f"{name}_sha256": (
                value if len(value) <= longest else hashlib.sha256(value).digest()
            ).hex()
            for name, value in values.items()
        }


def transcribe(key: SealingKey, *, info: bytes, aad: bytes, enc_and_ciphertext: bytes) -> Transcript:
    """Open enc ‖ ciphertext in base mode, keeping each step."""
    enc, ciphertext = enc_and_ciphertext[: key.suite.enc_bytes], enc_and_ciphertext[key.suite.enc_bytes :]
    shared_secret = _dhkem(key.raw, enc) if key.suite is SuiteId.SMALL else _xwing(key.raw, enc)
    kem, kdf, aead = _IDS[key.suite]
    suite_id = b"HPKE" + kem.to_bytes(2, "big") + kdf.to_bytes(2, "big") + aead.to_bytes(2, "big")
    psk_id_hash = _labeled_extract(suite_id, b"", b"psk_id_hash", b"")
    info_hash = _labeled_extract(suite_id, b"", b"info_hash", info)
    context = b"\x00" + psk_id_hash + info_hash
    secret = _labeled_extract(suite_id, shared_secret, b"secret", b"")
    aead_key = _labeled_expand(suite_id, secret, b"key", context, _AEAD_KEY_BYTES[key.suite])
    base_nonce = _labeled_expand(suite_id, secret, b"base_nonce", context, 12)
    return Transcript(
        enc=enc,
        shared_secret=shared_secret,
        key_schedule_context=context,
        key=aead_key,
        base_nonce=base_nonce,
        plaintext=AESGCM(aead_key).decrypt(base_nonce, ciphertext, aad),
    )


def _dhkem(private: bytes, enc: bytes) -> bytes:
    """DHKEM(X25519, HKDF-SHA256).Decap, RFC 9180 §4.1."""
    key = X25519PrivateKey.from_private_bytes(private)
    dh = key.exchange(X25519PublicKey.from_public_bytes(enc))
    suite_id = b"KEM" + (0x0020).to_bytes(2, "big")
    eae_prk = _labeled_extract(suite_id, b"", b"eae_prk", dh)
    return _labeled_expand(suite_id, eae_prk, b"shared_secret", enc + key.public_key().public_bytes_raw(), 32)


def _xwing(seed: bytes, enc: bytes) -> bytes:
    """X-Wing's Decapsulate (draft-connolly-cfrg-xwing-kem §5.5), which MLKEM768-X25519 is."""
    expanded = hashlib.shake_256(seed).digest(96)
    x25519 = X25519PrivateKey.from_private_bytes(expanded[64:])
    enc_m, enc_x = enc[:_MLKEM_CIPHERTEXT_BYTES], enc[_MLKEM_CIPHERTEXT_BYTES:]
    shared_m = MLKEM768PrivateKey.from_seed_bytes(expanded[:64]).decapsulate(enc_m)
    shared_x = x25519.exchange(X25519PublicKey.from_public_bytes(enc_x))
    public_x = x25519.public_key().public_bytes_raw()
    return hashlib.sha3_256(shared_m + shared_x + enc_x + public_x + _XWING_LABEL).digest()


def _labeled_extract(suite_id: bytes, salt: bytes, label: bytes, ikm: bytes) -> bytes:
    """LabeledExtract, RFC 9180 §4."""
    return hmac.digest(salt or bytes(32), b"HPKE-v1" + suite_id + label + ikm, "sha256")


def _labeled_expand(suite_id: bytes, prk: bytes, label: bytes, info: bytes, length: int) -> bytes:
    """LabeledExpand, RFC 9180 §4, for at most one block of HKDF-SHA256."""
    labeled = length.to_bytes(2, "big") + b"HPKE-v1" + suite_id + label + info
    return hmac.digest(prk, labeled + b"\x01", "sha256")[:length]
