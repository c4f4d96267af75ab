"""Owns what the relay reads of a certificate that TLS has verified: whose it is, and whether it may be a client's.

Signatures, chains, dates and revocation lists are OpenSSL's; the name, the purpose and the serial number are ours,
since Python shows neither the purpose nor an unambiguous name. Only DER is read, and only as much as is needed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from relay.routing.topics import parse_hub_id

if TYPE_CHECKING:
    from collections.abc import Iterator

# Certificate ::= { tbs { [0] version, serial, algorithm, issuer, validity, subject, key, [3] extensions }, … }
_OID, _OCTETS, _UTC_TIME = 0x06, 0x04, 0x17
_VERSION, _EXTENSIONS = 0xA0, 0xA3
_URI, _DNS = 0x86, 0x82
_SAN: Final = bytes.fromhex("551d11")
_EKU: Final = bytes.fromhex("551d25")
_CLIENT_AUTH: Final = bytes.fromhex("2b06010505070302")
_HUB: Final = b"urn:uuid:"
_WORKLOAD: Final = b"spiffe://ora/"
_SHORT: Final = 0x80
_CENTURY: Final = 50
_TIME: Final = re.compile(rb"[0-9]{14}Z")

Name = tuple[int, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """The facts of one certificate."""

    serial: bytes
    not_before: datetime
    not_after: datetime
    names: tuple[Name, ...]
    client_auth: bool

    def hub_id(self) -> bytes | None:
        """Return the Hub it names: a client certificate with this one name and no other."""
        if not self.client_auth or len(self.names) != 1:
            return None
        kind, value = self.names[0]
        return parse_hub_id(value.removeprefix(_HUB)) if kind == _URI and value.startswith(_HUB) else None

    def without_names(self) -> Certificate:
        """Return what counts as long as the connection lives."""
        return Certificate(
            serial=self.serial,
            not_before=self.not_before,
            not_after=self.not_after,
            names=(),
            client_auth=self.client_auth,
        )

    def workload(self) -> str | None:
        """Return the workload of the mesh that it names: one SPIFFE id, and DNS names beside it."""
        uris = [value for kind, value in self.names if kind == _URI]
        others = [kind for kind, _ in self.names if kind not in (_URI, _DNS)]
        if not self.client_auth or others or len(uris) != 1 or not uris[0].startswith(_WORKLOAD):
            return None
        name = uris[0].removeprefix(_WORKLOAD)
        return name.decode() if name.isalpha() and name.islower() and name.isascii() else None


# Of a client that came by a door without TLS.
NO_CERTIFICATE: Final = Certificate(
    serial=b"",
    not_before=datetime.min.replace(tzinfo=UTC),
    not_after=datetime.max.replace(tzinfo=UTC),
    names=(),
    client_auth=False,
)


class CertificateUnreadableError(ValueError):
    """The DER is not a certificate as RFC 5280 has it."""


def read_certificate(der: bytes) -> Certificate:
    """Return the facts of a certificate."""
    try:
        return _read(der)
    except (IndexError, ValueError) as error:
        raise CertificateUnreadableError("the certificate cannot be read") from error


def _read(der: bytes) -> Certificate:
    outer = _items(der)[0][1]
    fields = _items(_items(outer)[0][1])
    if fields[0][0] == _VERSION:
        del fields[0]
    serial = fields[0][1].lstrip(b"\x00")
    not_before, not_after = _items(fields[3][1])
    names: tuple[Name, ...] = ()
    client_auth = False
    for tag, content in fields:
        for oid, value in _extensions(content) if tag == _EXTENSIONS else ():
            if oid == _SAN:
                names = tuple(_items(_only(value)))
            elif oid == _EKU:
                client_auth = (_OID, _CLIENT_AUTH) in _items(_only(value))
    return Certificate(
        serial=serial,
        not_before=_time(*not_before),
        not_after=_time(*not_after),
        names=names,
        client_auth=client_auth,
    )


def _extensions(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    for _, extension in _items(_only(content)):
        parts = _items(extension)
        # Between them may stand whether it is critical; that is OpenSSL's business.
        if parts[-1][0] == _OCTETS:
            yield parts[0][1], parts[-1][1]


def _only(content: bytes) -> bytes:
    ((_, inner),) = _items(content)
    return inner


def _items(content: bytes) -> list[Name]:
    """Return the tag and content of each item in a row of DER."""
    at, end = 0, len(content)
    found: list[Name] = []
    while at < end:
        tag, size = content[at], content[at + 1]
        at += 2
        if size >= _SHORT:
            count = size - _SHORT
            if not 1 <= count <= 3:  # noqa: PLR2004 - a certificate has less than 16 MiB
                raise ValueError("a length has no such form")
            size = int.from_bytes(content[at : at + count], "big")
            at += count
        after = at + size
        if after > end:
            raise ValueError("an item reaches past its end")
        found.append((tag, content[at:after]))
        at = after
    return found


def _time(tag: int, content: bytes) -> datetime:
    """Return an instant: YYMMDDHHMMSSZ until 2049, with a century before it from 2050 (RFC 5280 4.1.2.5)."""
    if tag == _UTC_TIME:
        content = (b"19" if int(content[:2]) >= _CENTURY else b"20") + content
    if _TIME.fullmatch(content) is None:
        raise ValueError("a time has no such form")
    year, month, day, hour, minute, second = (int(content[at : at + 2]) for at in (2, 4, 6, 8, 10, 12))
    return datetime(int(content[:2]) * 100 + year, month, day, hour, minute, second, tzinfo=UTC)
