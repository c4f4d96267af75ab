"""Owns the AccessKey (design §6): its spelling, its QR code, and the keys that follow from it. It knows no transport.

30 bits of locator, 120 of secret, 10 of checksum: 32 symbols of Crockford's base32. The locator is told to the portal;
nothing is derived from it. From the secret follow the `auth` key, which signs claims, and the `wrap` key, which the
Project Key is sealed to; the portal gets their public halves.
"""

from __future__ import annotations

import io
import secrets
from dataclasses import dataclass
from typing import Final

import segno
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from ora.portal.v1 import access_key_pb2 as pb
from ora.portal.v1 import handover_records_pb2 as records_pb

from sdk.backup.symbols import ALPHABET
from sdk.errors import AccessKeyTextError
from sdk.hpke import PRIVATE_KEY_BYTES, SealingKey, SuiteId
from sdk.keys import SEED_BYTES, SigningKey
from sdk.statements import Context, sign_statement, signed_message

LOCATOR_BITS: Final = 30
SECRET_BYTES: Final = 15
CHECK_BITS: Final = 10
SYMBOLS: Final = 32
FINGERPRINT_BYTES: Final = 8
QR_PREFIX: Final = "ORA1:"
_GROUP: Final = 4
_FINGERPRINT_SYMBOLS: Final = 13
_QR_CHARACTERS: Final = len(QR_PREFIX) + SYMBOLS + 1 + _FINGERPRINT_SYMBOLS
_BITS: Final = LOCATOR_BITS + SECRET_BYTES * 8
_MEANT: Final = str.maketrans({"O": "0", "I": "1", "L": "1"})
# CRC-10/ATM: finds one wrong symbol, and two neighbours that changed places, always.
_CRC: Final = 0x633
_SALT: Final = b"ora access key v1"
_SUITES: Final = {SuiteId.HYBRID: pb.HPKE_SUITE_MLKEM768_X25519, SuiteId.SMALL: pb.HPKE_SUITE_X25519}


@dataclass(frozen=True, slots=True, repr=False)
class AccessKeys:
    """What follows from a secret. No secret shows in a repr."""

    auth: SigningKey
    """Signs claims."""
    wrap: SealingKey
    """Opens the Project Key."""

    def __repr__(self) -> str:
        return "AccessKeys(<hidden>)"


@dataclass(frozen=True, slots=True, repr=False)
class AccessKey:
    """What opens a handover. Whoever has it can claim; it shows in no repr."""

    locator: int
    """30 bits, told to the portal."""
    secret: bytes
    """15 bytes, told to nobody but the new owner."""

    def __post_init__(self) -> None:
        if not 0 <= self.locator < 1 << LOCATOR_BITS or len(self.secret) != SECRET_BYTES:
            raise ValueError("an AccessKey has a locator of 30 bits and a secret of 15 bytes")

    def __repr__(self) -> str:
        return "AccessKey(<hidden>)"

    def symbols(self) -> str:
        """Return the 32 symbols without groups."""
        data = self.locator << SECRET_BYTES * 8 | int.from_bytes(self.secret, "big")
        return _spell(data << CHECK_BITS | _crc(data), SYMBOLS)

    def text(self) -> str:
        """Return the 32 symbols in 8 groups of 4, for people."""
        symbols = self.symbols()
        return "-".join(symbols[start : start + _GROUP] for start in range(0, SYMBOLS, _GROUP))

    def keys(self, suite: SuiteId = SuiteId.HYBRID) -> AccessKeys:
        """Derive the two private keys."""
        return AccessKeys(
            auth=SigningKey(self._derived(b"ora access key auth v1", SEED_BYTES)),
            wrap=SealingKey(suite, self._derived(b"ora access key wrap v1\0" + bytes([suite]), PRIVATE_KEY_BYTES)),
        )

    def material(self, suite: SuiteId = SuiteId.HYBRID) -> pb.AccessKeyMaterial:
        """Return what the portal is told: public keys and the locator."""
        keys = self.keys(suite)
        return pb.AccessKeyMaterial(
            locator=self.locator,
            auth_public_key=keys.auth.public(),
            suite=_SUITES[suite],
            wrap_public_key=keys.wrap.public().raw,
        )

    def _derived(self, info: bytes, length: int) -> bytes:
        return HKDF(algorithm=SHA256(), length=length, salt=_SALT, info=info).derive(self.secret)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimant:
    """Who claims: their key, and what stands for them at the portal."""

    key: SigningKey
    subject_digest: bytes
    """SHA-256 of `ora subject v1` ‖ 0x00 ‖ issuer ‖ 0x00 ‖ subject."""


def new_access_key() -> AccessKey:
    """Make a key from the system's randomness."""
    return AccessKey(secrets.randbits(LOCATOR_BITS), secrets.token_bytes(SECRET_BYTES))


def parse_access_key(text: str) -> AccessKey:
    """Read a key as typed. Case, spaces and hyphens do not matter; O is 0, I and L are 1.

    Raises:
        AccessKeyTextError: it is no key; nothing of it is in the error.
    """
    typed = "".join(text.split()).replace("-", "").upper().translate(_MEANT)
    if len(typed) != SYMBOLS:
        raise AccessKeyTextError(f"an AccessKey has {SYMBOLS} symbols")
    number = _read(typed)
    data, check = number >> CHECK_BITS, number & (1 << CHECK_BITS) - 1
    if check != _crc(data):
        raise AccessKeyTextError("the key was not typed as it was given")
    return AccessKey(data >> SECRET_BYTES * 8, (data & (1 << SECRET_BYTES * 8) - 1).to_bytes(SECRET_BYTES, "big"))


def qr_text(key: AccessKey, fingerprint: bytes) -> str:
    """Return what the QR code holds: 51 characters of QR's alphanumeric mode.

    ``fingerprint`` is the first 8 bytes of the SHA-256 of the Hub's certificate: the app compares it on the local
    network before it trusts the Hub.
    """
    if len(fingerprint) != FINGERPRINT_BYTES:
        raise ValueError("a fingerprint has 8 bytes")
    number = int.from_bytes(fingerprint, "big") << 1
    return f"{QR_PREFIX}{key.symbols()}:{_spell(number, _FINGERPRINT_SYMBOLS)}"


def parse_qr(text: str) -> tuple[AccessKey, bytes]:
    """Read a scanned code; return the key and the Hub's fingerprint.

    Raises:
        AccessKeyTextError: it is no such code.
    """
    symbols, _, mark = text.removeprefix(QR_PREFIX).partition(":")
    if len(text) != _QR_CHARACTERS or not text.startswith(QR_PREFIX) or len(mark) != _FINGERPRINT_SYMBOLS:
        raise AccessKeyTextError("this is no AccessKey's code")
    number = _read(mark)
    if number & 1:
        raise AccessKeyTextError("a code of a later version")
    return parse_access_key(symbols), (number >> 1).to_bytes(FINGERPRINT_BYTES, "big")


def qr_svg(key: AccessKey, fingerprint: bytes) -> bytes:
    """Return the QR code as SVG."""
    return _drawn(key, fingerprint, "svg", scale=4)


def qr_png(key: AccessKey, fingerprint: bytes) -> bytes:
    """Return the QR code as PNG."""
    return _drawn(key, fingerprint, "png", scale=8)


def sign_claim(
    keys: AccessKeys, claimant: Claimant, *, locator: int, generation: int, nonce: bytes
) -> tuple[records_pb.AccessKeyClaimStatement, bytes, bytes]:
    """Sign a claim with both keys; return the statement, the AccessKey's signature and the claimant's."""
    statement = records_pb.AccessKeyClaimStatement(
        locator=locator,
        generation=generation,
        nonce=nonce,
        subject_digest=claimant.subject_digest,
        claimant_public_key=claimant.key.public(),
    )
    encoded = statement.SerializeToString(deterministic=True)
    by_key = sign_statement(keys.auth, Context.ACCESS_KEY_CLAIM, encoded).signature
    return statement, by_key, claimant.key.sign(signed_message(Context.ACCESS_KEY_CLAIMANT, encoded))


def _drawn(key: AccessKey, fingerprint: bytes, kind: str, *, scale: int) -> bytes:
    out = io.BytesIO()
    segno.make_qr(qr_text(key, fingerprint), error="q").save(out, kind=kind, scale=scale)
    return out.getvalue()


def _spell(number: int, symbols: int) -> str:
    return "".join(ALPHABET[number >> 5 * (symbols - 1 - place) & 31] for place in range(symbols))


def _read(symbols: str) -> int:
    number = 0
    for symbol in symbols:
        value = ALPHABET.find(symbol)
        if value < 0:
            raise AccessKeyTextError("a symbol that no key has")
        number = number << 5 | value
    return number


def _crc(data: int) -> int:
    rest = data << CHECK_BITS
    for place in range(_BITS - 1, -1, -1):
        if rest >> place + CHECK_BITS & 1:
            rest ^= _CRC << place
    return rest
