"""Owns the revocation of a Hub's certificates on the local stack, in the two places where they are looked at."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ora.fleet.v1 import certificate_pb2
from ora.fleet.v1.certificate_service_pb2 import ListCertificatesRequest, RevokeHubCertificatesRequest
from ora.fleet.v1.certificate_service_pb2_grpc import CertificateServiceStub

from devstack.ca import DevelopmentCa
from devstack.dev import target
from devstack.home import Home

if TYPE_CHECKING:
    from ora.fleet.v1.certificate_service_pb2_grpc import CertificateServiceAsyncStub

    from devstack.state import Running


async def revoke(stack: Running, hub_id: str, reason: str) -> int:
    """Revoke whatever a Hub has got until now; return how many certificates of the registry that was.

    The registry ends its session and refuses it at the relays; the list is for the gateway's door.
    """
    value = certificate_pb2.RevocationReason.Value(f"REVOCATION_REASON_{reason}")
    async with target.fleet(stack) as channel:
        certificates: CertificateServiceAsyncStub = CertificateServiceStub(channel)
        request = RevokeHubCertificatesRequest(hub=f"hubs/{hub_id}", reason=value)
        done = await certificates.RevokeHubCertificates(request)
        listed = await certificates.ListCertificates(ListCertificatesRequest(parent=f"hubs/{hub_id}"))
    serials = [int(each.name.rpartition("/")[2], 16) for each in listed.certificates]
    DevelopmentCa(Home(Path(stack.data["home"]))).revoke_hub(hub_id, serials)
    return done.revoked_count
