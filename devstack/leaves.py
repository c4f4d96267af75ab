"""Owns the question what is wrong with a certificate, its key or a bundle, as files. Changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import load_pem_private_key

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime, timedelta
    from pathlib import Path

_T = TypeVar("_T")


class FaultError(Exception):
    """A file is not what it has to be; the message says how, as the end of a sentence that begins with its name."""


def check_leaf(folder: Path, issuer: x509.Certificate | None, now: datetime, left: timedelta) -> None:
    """Raise ``FaultError`` unless ``folder`` has a certificate of ``issuer`` for ``left`` from now on, and its key."""
    own = certificates(folder / "tls.crt")[0]
    _in_date("tls.crt", own.not_valid_after_utc, now, left)
    check_key(folder / "tls.key", own)
    if issuer is not None:
        try:
            own.verify_directly_issued_by(issuer)
        except (ValueError, TypeError, InvalidSignature) as error:
            raise FaultError("tls.crt is not signed by the authority that clients trust") from error


def check_key(path: Path, own: x509.Certificate) -> None:
    """Raise ``FaultError`` unless the file has the key of a certificate."""
    key = _read(path, lambda text: load_pem_private_key(text, None))
    if key.public_key() != own.public_key():
        raise FaultError(f"{path.name} is not the key of the certificate beside it")


def certificates(path: Path) -> list[x509.Certificate]:
    """Return the certificates of a bundle or a chain, at least one."""
    return _read(path, x509.load_pem_x509_certificates)


def check_list(path: Path, now: datetime, left: timedelta) -> None:
    """Raise ``FaultError`` unless there is a revocation list for ``left`` from now on."""
    end = _read(path, x509.load_pem_x509_crl).next_update_utc
    if end is not None:
        _in_date(path.name, end, now, left)


def _read(path: Path, parse: Callable[[bytes], _T]) -> _T:
    try:
        return parse(path.read_bytes())
    except FileNotFoundError as error:
        raise FaultError(f"{path.name} is missing") from error
    except OSError as error:
        raise FaultError(f"{path.name} cannot be read: {error.strerror}") from error
    except (ValueError, TypeError) as error:
        raise FaultError(f"{path.name} is damaged") from error


def _in_date(name: str, end: datetime, now: datetime, left: timedelta) -> None:
    if end <= now:
        raise FaultError(f"{name} has ended, on {end:%Y-%m-%d %H:%M} UTC")
    if end - now < left:
        raise FaultError(f"{name} ends soon, on {end:%Y-%m-%d %H:%M} UTC")
