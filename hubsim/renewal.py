"""Owns a Hub's next operational certificate: a new key, asked for at the Hub listener, both in place or neither.

The next key and its request are written down before they are sent: an answer that is lost is asked for again with the
same request, and the cloud gives the same certificate. Knows no session; who holds one loads the files when it is told.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from hubsim.update_client import CloudAwayError, UpdateRefusedError

TIMEOUT_S: Final = 20.0
# A Hub renews when two thirds of the certificate's life are over, unless the cloud named another time.
_PART: Final = 2 / 3


@dataclass(frozen=True, slots=True)
class Renewal:
    """The files of one Hub: `tls.key` and `tls.crt`, and the next ones while they are not in place."""

    folder: Path
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def settle(self) -> None:
        """Finish what a cut of power left between two renames. Asked at each start, before the files are read."""
        if not self._path("crt.next").exists():
            return
        made = x509.load_pem_x509_certificates(self._path("crt.next").read_bytes())[0].public_key()
        if self._path("key.next").exists() and _key(self._path("key.next")).public_key() == made:
            self._path("key.next").replace(self._path("key"))
        if _key(self._path("key")).public_key() == made:
            self._path("crt.next").replace(self._path("crt"))
            self._path("csr.next").unlink(missing_ok=True)

    def due(self) -> bool:
        """Say whether it is time."""
        own = x509.load_pem_x509_certificates(self._path("crt").read_bytes())[0]
        told = self._path("renew").read_text() if self._path("renew").exists() else ""
        if told:
            return self.now() >= datetime.fromisoformat(told)
        start = own.not_valid_before_utc
        return self.now() >= start + (own.not_valid_after_utc - start) * _PART

    async def renew(self, http: httpx.AsyncClient, hub: str) -> None:
        """Get the next certificate with the present one, and put it in place.

        Raises:
            CloudAwayError: the cloud cannot be asked now.
            UpdateRefusedError: it gives none.
        """
        self._prepare()
        request = x509.load_pem_x509_csr(self._path("csr.next").read_bytes()).public_bytes(Encoding.DER)
        answer = await _ask(http, f"/v1/hubs/{hub}/certificates:renew", {"csrDer": base64.b64encode(request).decode()})
        chain = [x509.load_der_x509_certificate(base64.b64decode(each)) for each in answer["chainDer"]]
        _write(self._path("crt.next"), b"".join(each.public_bytes(Encoding.PEM) for each in chain))
        self.settle()
        _write(self._path("renew"), str(answer["renewAfterTime"]).replace("Z", "+00:00").encode())

    def _prepare(self) -> None:
        if self._path("csr.next").exists() and self._path("key.next").exists():
            return
        key = ec.generate_private_key(ec.SECP256R1())
        _write(self._path("key.next"), key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        made = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
        _write(self._path("csr.next"), made.public_bytes(Encoding.PEM))

    def _path(self, what: str) -> Path:
        return self.folder / f"tls.{what}"


async def _ask(http: httpx.AsyncClient, path: str, body: dict[str, str]) -> dict[str, Any]:
    try:
        answer = await http.post(path, json=body, timeout=TIMEOUT_S)
    except httpx.HTTPError as error:
        raise CloudAwayError(str(error)) from error
    if answer.status_code != httpx.codes.OK:
        raise UpdateRefusedError(answer.status_code, f"HTTP_{answer.status_code}")
    document: dict[str, Any] = answer.json()
    return document


def _key(path: Path) -> ec.EllipticCurvePrivateKey:
    key = load_pem_private_key(path.read_bytes(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError(f"{path.name} is no elliptic curve key")
    return key


def _write(path: Path, content: bytes) -> None:
    draft = path.with_name(f"{path.name}.draft")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
    draft.replace(path)
