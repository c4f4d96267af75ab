"""Owns the TLS settings of the MQTT listeners. Knows no name: who a certificate speaks for is read elsewhere."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """What a listener shows, and whom it believes."""

    chain: Path
    key: Path
    authorities: Path
    # A complete revocation list of those authorities; it need not be there.
    revoked: Path | None = None

    def stamp(self) -> tuple[tuple[int, int], ...]:
        """Return what changes when a file changes."""
        paths = [self.chain, self.key, self.authorities, *([self.revoked] if self.revoked is not None else [])]
        stats = [path.stat() for path in paths if path.exists()]
        return tuple((each.st_mtime_ns, each.st_ino) for each in stats)


def make_context(files: TlsFiles) -> ssl.SSLContext:
    """Return a context for TLS 1.3 with client certificates, without tickets, compression or early data."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    # Two tickets are a quarter of a handshake's CPU, and a resumed session would skip the certificate.
    context.num_tickets = 0
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    context.load_cert_chain(files.chain, files.key)
    context.load_verify_locations(files.authorities)
    if files.revoked is not None and files.revoked.exists():
        context.load_verify_locations(files.revoked)
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    return context


class ReloadingContext:
    """The context for new handshakes, made again when a file has changed; the last good one while they do not fit."""

    def __init__(self, files: TlsFiles) -> None:
        self._files = files
        self._stamp = files.stamp()
        self.context = make_context(files)

    def refresh(self) -> bool:
        """Look at the files; return whether there is a new context."""
        try:
            stamp = self._files.stamp()
            if stamp == self._stamp:
                return False
            self.context = make_context(self._files)
        except (OSError, ssl.SSLError):
            return False
        self._stamp = stamp
        return True
