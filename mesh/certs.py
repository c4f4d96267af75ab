"""Owns the reading of a workload's certificate folder, again when the files change; decides nothing about peers.

A folder is ``{root}/{workload}`` with ``tls.crt`` and ``tls.key``, beside ``{root}/mesh-ca.pem``. Files may be replaced
one by one or by swapping a symlinked folder: a key that does not fit its certificate yet is not taken.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from mesh import log

if TYPE_CHECKING:
    from pathlib import Path

_LOG: Final = log.get(__name__)


@dataclass(frozen=True, slots=True)
class Bundle:
    """One certificate chain, its key, and the authorities that peers are checked against; all PEM."""

    chain: bytes
    key: bytes
    authorities: bytes

    def __repr__(self) -> str:
        return f"Bundle({self.fingerprint[:16]})"

    @property
    def fingerprint(self) -> str:
        """What changes when any of the three changes."""
        return hashlib.sha256(b"\x00".join((self.chain, self.key, self.authorities))).hexdigest()


class Certificates:
    """The current bundle of one workload."""

    def __init__(self, root: Path, workload: str) -> None:
        self.workload = workload
        self._paths = (root / workload / "tls.crt", root / workload / "tls.key", root / "mesh-ca.pem")
        self._seen = self._stamp()
        self._bundle = self._read()

    def current(self) -> Bundle:
        """Return the bundle on disk, or the last good one while the files do not fit together."""
        try:
            stamp = self._stamp()
            if stamp != self._seen:
                self._bundle = self._read()
                self._seen = stamp
                _LOG.info("certificates were reloaded", workload=self.workload)
        except (OSError, ValueError) as error:
            _LOG.warning("certificates are not usable yet", workload=self.workload, error_type=type(error).__name__)
        return self._bundle

    def _stamp(self) -> tuple[tuple[int, int, int], ...]:
        return tuple((s.st_ino, s.st_mtime_ns, s.st_size) for s in (path.stat() for path in self._paths))

    def _read(self) -> Bundle:
        chain, key, authorities = (path.read_bytes() for path in self._paths)
        x509.load_pem_x509_certificates(authorities)
        leaf = x509.load_pem_x509_certificates(chain)[0]
        if load_pem_private_key(key, None).public_key() != leaf.public_key():
            raise ValueError("the key does not belong to the certificate")
        return Bundle(chain, key, authorities)
