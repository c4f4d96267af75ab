"""Owns the way to an HSM over PKCS#11: module, token, sessions, and keys by label. Knows no use of them.

Keys stay in the token: what leaves is what they make. A call blocks, so callers on an event loop use a thread.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

import pkcs11
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature
from pkcs11.util.ec import encode_named_curve_parameters

from mesh.config import setting
from mesh.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric.utils import Prehashed as _Prehashed

# The library is told of no threads, so in a process one call is made at a time; more wait their turn.
_TURN: Final = threading.Lock()
_WAIT_SECONDS: Final = 5.0
_AES_BITS: Final = 256
_CURVES: Final = {"secp256r1": ec.SECP256R1(), "secp384r1": ec.SECP384R1()}
_KEPT_INSIDE: Final = {pkcs11.Attribute.SENSITIVE: True, pkcs11.Attribute.EXTRACTABLE: False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pkcs11Config:
    """Where the HSM is."""

    # The vendor's PKCS#11 library. Empty: there is no HSM.
    module: str = setting("ORA_PKCS11_MODULE", default="")
    token: str = setting("ORA_PKCS11_TOKEN", default="")
    # The file that holds the user's PIN.
    pin_file: Path | None = setting("ORA_PKCS11_PIN_FILE", default=None)

    def __post_init__(self) -> None:
        if self.module and not (self.token and self.pin_file):
            raise ValueError("ORA_PKCS11_MODULE needs ORA_PKCS11_TOKEN and ORA_PKCS11_PIN_FILE")


class KeyMissingError(UnavailableError):
    """The token has no such key, or shows it to nobody because the login is over."""

    default_reason = "HSM_KEY_MISSING"


class Token:
    """One token, logged in. What it cannot do raises ``UnavailableError``, HSM_UNAVAILABLE."""

    def __init__(self, config: Pkcs11Config) -> None:
        self._config = config
        self._session: pkcs11.Session | None = None

    @contextmanager
    def session(self) -> Iterator[pkcs11.Session]:
        """Lend the session; after a failure, which may have left it in the middle of something, it is another one."""
        if not _TURN.acquire(timeout=_WAIT_SECONDS):
            raise UnavailableError("the HSM is busy", reason="HSM_UNAVAILABLE")
        try:
            if self._session is None:
                self._session = self._open()
            yield self._session
        except KeyMissingError:
            self._forget()
            raise
        except pkcs11.PKCS11Error as error:
            self._forget()
            raise UnavailableError("the HSM refuses", reason="HSM_UNAVAILABLE", cause=type(error).__name__) from error
        finally:
            _TURN.release()

    def close(self) -> None:
        """Log out."""
        with _TURN:
            self._forget()

    def _open(self) -> pkcs11.Session:
        token = pkcs11.lib(self._config.module).get_token(token_label=self._config.token)
        # A token knows one login for all sessions of a process; whoever closes the session that logged in ends it.
        try:
            return token.open(rw=True, user_pin=_pin(self._config))
        except pkcs11.UserAlreadyLoggedIn:
            return token.open(rw=True)

    def _forget(self) -> None:
        if self._session is not None:
            # What is gone at the token already cannot be closed.
            with suppress(pkcs11.PKCS11Error):
                self._session.close()
        self._session = None

    def labels(self, prefix: str) -> list[str]:
        """Return the labels of the AES keys that begin so, in order."""
        wanted = {pkcs11.Attribute.CLASS: pkcs11.ObjectClass.SECRET_KEY}
        with self.session() as session:
            found: list[Any] = list(session.get_objects(wanted))
            return sorted(each.label for each in found if each.label.startswith(prefix))

    def make_aes(self, label: str) -> None:
        """Make an AES-256 key that never leaves the token."""
        with self.session() as session:
            session.generate_key(
                pkcs11.KeyType.AES, _AES_BITS, label=label, id=_id(label), store=True, template=_KEPT_INSIDE
            )

    def encrypt(self, label: str, nonce: bytes, plaintext: bytes, bound: bytes) -> bytes:
        """Return the ciphertext and tag of AES-256-GCM."""
        with self.session() as session:
            made: bytes = _aes(session, label).encrypt(
                plaintext, mechanism=pkcs11.Mechanism.AES_GCM, mechanism_param=pkcs11.GCMParams(nonce, bound)
            )
            return made

    def decrypt(self, label: str, nonce: bytes, ciphertext: bytes, bound: bytes) -> bytes | None:
        """Return the plaintext; None if it does not open so."""
        with self.session() as session:
            key, parameters = _aes(session, label), pkcs11.GCMParams(nonce, bound)
            try:
                made: bytes = key.decrypt(ciphertext, mechanism=pkcs11.Mechanism.AES_GCM, mechanism_param=parameters)
            except (pkcs11.EncryptedDataInvalid, pkcs11.EncryptedDataLenRange, pkcs11.SignatureInvalid):
                return None
            except pkcs11.GeneralError:
                # Some answer so to a wrong tag, and to a fault of their own: the key tells which it is.
                fresh = pkcs11.GCMParams(secrets.token_bytes(12))
                key.encrypt(b"", mechanism=pkcs11.Mechanism.AES_GCM, mechanism_param=fresh)
                return None
            return made

    def make_signing_key(self, label: str, curve: str = "secp256r1") -> HsmSigningKey:
        """Make an ECDSA key pair whose private half never leaves the token."""
        with self.session() as session:
            parameters = session.create_domain_parameters(
                pkcs11.KeyType.EC, {pkcs11.Attribute.EC_PARAMS: encode_named_curve_parameters(curve)}, local=True
            )
            parameters.generate_keypair(label=label, id=_id(label), store=True, private_template=_KEPT_INSIDE)
        return self.signing_key(label)

    def signing_key(self, label: str) -> HsmSigningKey:
        """Return a signing key as a key of ``cryptography``: builders of certificates and CRLs take it."""
        with self.session() as session:
            point = _one(session, label, pkcs11.KeyType.EC, pkcs11.ObjectClass.PUBLIC_KEY)[pkcs11.Attribute.EC_POINT]
        return HsmSigningKey(self, label, _public_key(point))

    def sign(self, label: str, digest: bytes) -> bytes:
        """Return the ECDSA signature of a digest: both numbers, one after the other."""
        with self.session() as session:
            key = _one(session, label, pkcs11.KeyType.EC, pkcs11.ObjectClass.PRIVATE_KEY)
            made: bytes = key.sign(digest, mechanism=pkcs11.Mechanism.ECDSA)
            return made


class HsmSigningKey(ec.EllipticCurvePrivateKey):
    """A private key in the token, as ``cryptography`` knows private keys. It signs and does nothing else."""

    def __init__(self, token: Token, label: str, public: ec.EllipticCurvePublicKey) -> None:
        self._token, self._label, self._public = token, label, public

    @property
    def curve(self) -> ec.EllipticCurve:
        """The curve."""
        return self._public.curve

    @property
    def key_size(self) -> int:
        """The curve's size in bits."""
        return self._public.key_size

    def public_key(self) -> ec.EllipticCurvePublicKey:
        """Return the public half."""
        return self._public

    def sign(self, data: Any, signature_algorithm: ec.EllipticCurveSignatureAlgorithm) -> bytes:
        """Return the signature in DER."""
        made = self._token.sign(self._label, _digest(bytes(data), signature_algorithm.algorithm))
        half = len(made) // 2
        return encode_dss_signature(int.from_bytes(made[:half], "big"), int.from_bytes(made[half:], "big"))

    def exchange(self, algorithm: ec.ECDH, peer_public_key: ec.EllipticCurvePublicKey) -> bytes:
        """Refuse: it is for signing."""
        del algorithm, peer_public_key
        _stays_inside()

    def private_numbers(self) -> ec.EllipticCurvePrivateNumbers:
        """Refuse: the numbers are in the token."""
        _stays_inside()

    def private_bytes(self, encoding: Any, format: Any, encryption_algorithm: Any) -> bytes:  # noqa: A002 - cryptography's name
        """Refuse: the bytes are in the token."""
        del encoding, format, encryption_algorithm
        _stays_inside()

    def __copy__(self) -> HsmSigningKey:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> HsmSigningKey:
        return self

    def __repr__(self) -> str:
        return f"HsmSigningKey({self._label!r})"


def _stays_inside() -> NoReturn:
    raise TypeError("a key in an HSM signs and does nothing else")


def _digest(data: bytes, algorithm: hashes.HashAlgorithm | _Prehashed) -> bytes:
    return data if isinstance(algorithm, Prehashed) else hashlib.new(algorithm.name, data).digest()


def _public_key(point: bytes) -> ec.EllipticCurvePublicKey:
    # EC_POINT is the point in a DER octet string; the point's length tells the curve.
    encoded = point[-(point[1]) :] if point[:1] == b"\x04" and point[1] == len(point) - 2 else point
    curve = next(each for each in _CURVES.values() if (each.key_size // 8) * 2 + 1 == len(encoded))
    return ec.EllipticCurvePublicKey.from_encoded_point(curve, encoded)


def _aes(session: pkcs11.Session, label: str) -> Any:
    return _one(session, label, pkcs11.KeyType.AES, pkcs11.ObjectClass.SECRET_KEY)


def _one(session: pkcs11.Session, label: str, kind: pkcs11.KeyType, what: pkcs11.ObjectClass) -> Any:
    try:
        return session.get_key(object_class=what, key_type=kind, label=label)
    except pkcs11.NoSuchKey:
        raise KeyMissingError("the token has no such key", label=label) from None


def _id(label: str) -> bytes:
    return hashlib.sha256(label.encode()).digest()[:16]


def _pin(config: Pkcs11Config) -> str:
    try:
        return "" if config.pin_file is None else config.pin_file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise UnavailableError("the HSM's PIN cannot be read", reason="HSM_UNAVAILABLE") from error
