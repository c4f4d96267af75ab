"""Owns CertificateService: issuing, renewing and revoking Hubs' certificates. Unpacks, asks domain and store, packs."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from ora.fleet.v1 import certificate_pb2
from ora.fleet.v1 import certificate_service_pb2 as pb
from ora.fleet.v1 import certificate_service_pb2_grpc as rpc

from fleet_svc.api import pages
from fleet_svc.api.certificate_packing import FROM_PROTO, parse_certificate_name, to_proto
from fleet_svc.api.certificate_requests import Proof, read_proof, read_request
from fleet_svc.api.hubs import known
from fleet_svc.api.names import calling_hub, parse_hub_name
from fleet_svc.api.times import to_timestamp
from fleet_svc.domain import certificate as domain
from fleet_svc.domain import challenge as challenges
from fleet_svc.domain.hub import Event, State
from fleet_svc.domain.signing import CERTIFICATE_REQUEST_CONTEXT, verify
from fleet_svc.store import certificates, hubs
from mesh.call import current_call
from mesh.errors import NotFoundError, OraError, PermissionDeniedError
from mesh.interceptors.identity import XFCC

if TYPE_CHECKING:
    from fleet_svc.api.events import HubEvents
    from fleet_svc.api.issuing import Issuer
    from fleet_svc.domain.hub import Hub
    from mesh.clock import Now
    from mesh.db import Database, Tx
    from mesh.ids import HubId


class CertificateService(rpc.CertificateServiceServicer):
    """The certificates of Hubs."""

    def __init__(
        self, database: Database, events: HubEvents, issuer: Issuer, *, now: Now, challenge_key: bytes
    ) -> None:
        self._database, self._events, self._issuer, self._now = database, events, issuer, now
        self._challenge_key = challenge_key

    async def CreateCertificateChallenge(
        self, request: pb.CreateCertificateChallengeRequest, context: Any
    ) -> pb.CertificateChallenge:
        """Return what the Hub has to sign; nothing is looked up and nothing is kept."""
        del context
        random = secrets.token_bytes(challenges.RANDOM_BYTES)
        made, ends = challenges.make(
            self._challenge_key, parse_hub_name(request.hub, field="hub"), random=random, now=self._now()
        )
        return pb.CertificateChallenge(challenge=made, expire_time=to_timestamp(ends))

    async def IssueCertificate(self, request: pb.IssueCertificateRequest, context: Any) -> certificate_pb2.Certificate:
        """Issue a certificate to a Hub that proves both its keys; a new Hub becomes ACTIVE by it."""
        del context
        hub_id = parse_hub_name(request.hub, field="hub")
        asked = read_request(request.csr_der)
        proof = read_proof(request.proof, hub_id=hub_id, request=asked)
        async with self._database.platform() as tx:
            hub = self._proven(await hubs.lock(tx, hub_id), hub_id, proof)
            hub = await self._in_service(tx, hub)
            made = await self._issuer.issue(tx, hub, asked)
            return self._pack(made, hub)

    def _proven(self, hub: Hub | None, hub_id: HubId, proof: Proof | None) -> Hub:
        """Return the Hub if ``proof`` holds. Whatever is wrong has one answer; who knows no key learns no Hub."""
        challenge = proof.challenge if proof else b""
        fresh = challenges.is_good(self._challenge_key, hub_id, challenge, now=self._now())
        if hub is None or proof is None or not fresh:
            raise _unproven()
        try:
            verify(proof.evidence, public_key=hub.provision.identity_public_key, context=CERTIFICATE_REQUEST_CONTEXT)
        except OraError:
            raise _unproven() from None
        return hub

    async def _in_service(self, tx: Tx, hub: Hub) -> Hub:
        if hub.state is not State.PROVISIONED:
            hub.require_active()
            return hub
        active = hub.apply(Event.ACTIVATE, now=self._now())
        await hubs.save(tx, active)
        await self._events.state_changed(tx, hub.state, active)
        return active

    async def RenewCertificate(self, request: pb.RenewCertificateRequest, context: Any) -> certificate_pb2.Certificate:
        """Issue the next certificate to a Hub that shows a good one."""
        del context
        hub_id = calling_hub(request.hub)
        asked, shown = read_request(request.csr_der), _shown_fingerprint()
        async with self._database.platform() as tx:
            hub = known(await hubs.lock(tx, hub_id))
            hub.require_active()
            present = await certificates.by_fingerprint(tx, hub_id, shown)
            domain.require_shown_good(present, revoked_before=hub.certificates_not_before)
            return self._pack(await self._issuer.issue(tx, hub, asked), hub)

    async def GetCertificate(self, request: pb.GetCertificateRequest, context: Any) -> certificate_pb2.Certificate:
        """Return one certificate."""
        del context
        hub_id, serial = parse_certificate_name(request.name)
        async with self._database.platform(read_only=True) as tx:
            hub = known(await hubs.get(tx, hub_id))
            return self._pack(_found(await certificates.get(tx, hub_id, serial)), hub)

    async def ListCertificates(self, request: pb.ListCertificatesRequest, context: Any) -> pb.ListCertificatesResponse:
        """Return one page of a Hub's certificates, newest first."""
        del context
        hub_id, size = parse_hub_name(request.parent, field="parent"), pages.size(request)
        after = pages.after_certificate(request)
        async with self._database.platform(read_only=True) as tx:
            hub = known(await hubs.get(tx, hub_id))
            found = await certificates.page(tx, hub_id, before=after, limit=size + 1)
        shown = found[:size]
        token = pages.certificate_token(request, shown[-1]) if len(found) > size else ""
        return pb.ListCertificatesResponse(
            certificates=[self._pack(each, hub) for each in shown], next_page_token=token
        )

    async def RevokeCertificate(
        self, request: pb.RevokeCertificateRequest, context: Any
    ) -> certificate_pb2.Certificate:
        """Revoke one certificate; the trigger tells every relay."""
        del context
        hub_id, serial = parse_certificate_name(request.name)
        async with self._database.platform() as tx:
            hub = known(await hubs.lock(tx, hub_id))
            before = _found(await certificates.get(tx, hub_id, serial))
            after = before.revoke(FROM_PROTO[request.reason], now=self._now())
            if after is not before:
                await certificates.revoke(tx, after)
                await self._events.certificate_revoked(tx, hub_id, serial, request.reason)
            return self._pack(after, hub)

    async def RevokeHubCertificates(
        self, request: pb.RevokeHubCertificatesRequest, context: Any
    ) -> pb.RevokeHubCertificatesResponse:
        """Revoke every certificate that a Hub has got until now, also those that are not on our list."""
        del context
        hub_id, now = parse_hub_name(request.hub, field="hub"), self._now()
        async with self._database.platform() as tx:
            hub = known(await hubs.lock(tx, hub_id)).revoke_certificates(now=now)
            count = await certificates.revoke_all(tx, hub_id, FROM_PROTO[request.reason], now=now)
            await hubs.save(tx, hub)
            await self._events.certificate_revoked(tx, hub_id, b"", request.reason)
        instant = hub.certificates_not_before
        return pb.RevokeHubCertificatesResponse(
            revoked_count=count, certificates_not_before_time=to_timestamp(instant) if instant else None
        )

    def _pack(self, certificate: domain.Certificate, hub: Hub) -> certificate_pb2.Certificate:
        return to_proto(certificate, now=self._now(), revoked_before=hub.certificates_not_before)


def _shown_fingerprint() -> bytes:
    """Return the SHA-256 of the certificate that the call came with, as the gateway tells it; empty if it does not."""
    header = current_call().header(XFCC) or ""
    hashes = [part[5:] for part in header.split(";") if part[:5].upper() == "HASH="]
    try:
        return bytes.fromhex(hashes[0]) if len(hashes) == 1 else b""
    except ValueError:
        return b""


def _found(certificate: domain.Certificate | None) -> domain.Certificate:
    if certificate is None:
        raise NotFoundError("the Hub has no such certificate", reason="CERTIFICATE_UNKNOWN")
    return certificate


def _unproven() -> PermissionDeniedError:
    return PermissionDeniedError("the proof does not hold", reason="PROOF_INVALID")
