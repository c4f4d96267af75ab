"""Owns where the keys of intermediates are: files for one machine, an HSM for production. Knows no certificate."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, Protocol

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from mesh.errors import UnavailableError
from mesh.pkcs11 import KeyMissingError

if TYPE_CHECKING:
    from pathlib import Path

    from mesh.pkcs11 import Token

_CURVE: Final = ec.SECP256R1()


class AuthorityKeys(Protocol):
    """P-256 keys by label. A call may block."""

    def make(self, label: str) -> ec.EllipticCurvePrivateKey:
        """Return the key of this label, made now if there is none."""

    def get(self, label: str) -> ec.EllipticCurvePrivateKey:
        """Return the key of this label, or refuse with AUTHORITY_UNAVAILABLE."""


class FileKeys:
    """Keys as PEM files in a folder that is private to the service."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def make(self, label: str) -> ec.EllipticCurvePrivateKey:
        """Return the key, made now if there is none."""
        path = self._path(label)
        if not path.exists():
            key = ec.generate_private_key(_CURVE)
            pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            draft = path.with_suffix(".new")
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(pem)
            draft.rename(path)
        return self.get(label)

    def get(self, label: str) -> ec.EllipticCurvePrivateKey:
        """Return the key."""
        try:
            key = load_pem_private_key(self._path(label).read_bytes(), None)
        except OSError as error:
            raise _missing() from error
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise _missing()
        return key

    def _path(self, label: str) -> Path:
        return self._folder / f"{label}.key"


class HsmKeys:
    """Keys that never leave an HSM."""

    def __init__(self, token: Token) -> None:
        self._token = token

    def make(self, label: str) -> ec.EllipticCurvePrivateKey:
        """Return the key, made now if there is none."""
        try:
            return self._token.signing_key(label)
        except KeyMissingError:
            return self._token.make_signing_key(label)

    def get(self, label: str) -> ec.EllipticCurvePrivateKey:
        """Return the key."""
        return self._token.signing_key(label)


class NoKeys:
    """No place for keys: nothing is made here."""

    def make(self, label: str) -> ec.EllipticCurvePrivateKey:
        """Refuse."""
        return self.get(label)

    def get(self, label: str) -> ec.EllipticCurvePrivateKey:
        """Refuse."""
        del label
        raise _missing()


def _missing() -> UnavailableError:
    return UnavailableError("the key of the authority is not here", reason="AUTHORITY_UNAVAILABLE")
