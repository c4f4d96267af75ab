"""Owns the files by which relays and the gateway know Hubs: `hub-ca.pem` and `hub-crl.pem`, made of what fleet says.

They hold the anchors, the certificates of every trusted intermediate, and a revocation list of each: whoever reads them
can follow a chain in any order, and refuses no certificate for want of a list. A file is replaced by rename, and only
when it says something else; relays and Envoy load it while they run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import grpc
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from ora.fleet.v1.certificate_authority_pb2 import CertificateAuthority
from ora.fleet.v1.certificate_authority_service_pb2 import (
    GetRevocationListRequest,
    GetTrustBundleRequest,
    ListCertificateAuthoritiesRequest,
)
from ora.fleet.v1.certificate_authority_service_pb2_grpc import CertificateAuthorityServiceStub
from ora.fleet.v1.certificate_statement_pb2 import TRUST_PURPOSE_HUB

from devstack.home import write_private

if TYPE_CHECKING:
    from pathlib import Path

    from mesh.channel import Channel

AUTHORITIES: Final = "hub-ca.pem"
LISTS: Final = "hub-crl.pem"
_TRUSTED: Final = frozenset(
    {CertificateAuthority.STATE_TRUSTED, CertificateAuthority.STATE_SIGNING, CertificateAuthority.STATE_RETIRING}
)


async def listed(channel: Channel) -> list[CertificateAuthority]:
    """Return every authority, newest first."""
    stub, token = CertificateAuthorityServiceStub(channel), None
    found: list[CertificateAuthority] = []
    while token != "":
        page = await stub.ListCertificateAuthorities(ListCertificateAuthoritiesRequest(page_token=token or ""))
        found.extend(page.certificate_authorities)
        token = page.next_page_token
    return found


async def write(channel: Channel, folder: Path) -> list[str]:
    """Write what differs; return the names of the files that were written."""
    trusted = [each for each in await listed(channel) if each.state in _TRUSTED]
    middle = [each for each in trusted if each.kind == CertificateAuthority.KIND_INTERMEDIATE]
    own = [der for each in middle for der in (each.certificate_der, *each.cross_certificates_der)]
    stub = CertificateAuthorityServiceStub(channel)
    lists = [
        (await stub.GetRevocationList(GetRevocationListRequest(certificate_authority=each.name))).crl_der
        for each in middle
    ]
    files = {
        AUTHORITIES: b"".join(_certificate(each) for each in (*await _anchors(channel, trusted), *own)),
        LISTS: b"".join(x509.load_der_x509_crl(each).public_bytes(Encoding.PEM) for each in lists),
    }
    return [name for name, content in files.items() if _replaced(folder / name, content)]


async def _anchors(channel: Channel, trusted: list[CertificateAuthority]) -> list[bytes]:
    """Return what the offline trust key signed; before it signed anything, the roots that are registered."""
    try:
        request = GetTrustBundleRequest(purpose=TRUST_PURPOSE_HUB)
        bundle = await CertificateAuthorityServiceStub(channel).GetTrustBundle(request)
    except grpc.aio.AioRpcError as error:
        if error.code() is not grpc.StatusCode.NOT_FOUND:
            raise
        return [each.certificate_der for each in trusted if each.kind == CertificateAuthority.KIND_ROOT]
    return list(bundle.anchors_der)


def _certificate(der: bytes) -> bytes:
    return x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM)


def _replaced(path: Path, content: bytes) -> bool:
    if path.exists() and path.read_bytes() == content:
        return False
    write_private(path, content.decode())
    return True
