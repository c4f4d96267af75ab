"""Owns CertificateAuthorityService: who signs Hubs' certificates, and who is to be trusted. Unpacks, asks, packs."""

from __future__ import annotations

from asyncio import to_thread
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from ora.fleet.v1 import certificate_authority_pb2
from ora.fleet.v1 import certificate_authority_service_pb2 as pb
from ora.fleet.v1 import certificate_authority_service_pb2_grpc as rpc

from fleet_svc.api import authority_packing as packing
from fleet_svc.api import pages
from fleet_svc.api.times import to_timestamp
from fleet_svc.authority import chains
from fleet_svc.domain.certificate_authority import TRUSTED_STATES, CertificateAuthority, Event, Kind, State
from fleet_svc.domain.tenant import PLATFORM
from fleet_svc.store import authorities, trust_bundles
from fleet_svc.store.authorities import RevocationList
from mesh.errors import AlreadyExistsError, InvalidArgumentError, NotFoundError, StateConflictError
from mesh.idempotency import once

if TYPE_CHECKING:
    from fleet_svc.domain.certificate_authority import Installed
    from fleet_svc.signers import Signers
    from mesh.clock import Now
    from mesh.db import Database, Tx

_CRL_EVERY: Final = timedelta(hours=1)
# A relay whose distributor is ill for a night goes on.
_CRL_LIFE: Final = timedelta(hours=24)
_SKEW: Final = timedelta(minutes=5)
# How late a revocation may be seen after the instant that it carries.
_LATE: Final = timedelta(seconds=10)


class CertificateAuthorityService(rpc.CertificateAuthorityServiceServicer):
    """The authorities. All changes of them take one turn."""

    def __init__(self, database: Database, signers: Signers, *, now: Now, trust_key: bytes | None) -> None:
        self._database, self._signers, self._now, self._trust_key = database, signers, now, trust_key

    async def CreateCertificateAuthority(
        self, request: pb.CreateCertificateAuthorityRequest, context: Any
    ) -> certificate_authority_pb2.CertificateAuthority:
        """Make an intermediate's key, or register a root."""
        del context
        kinds = certificate_authority_pb2.CertificateAuthority
        match request.certificate_authority.kind:
            case kinds.KIND_ROOT:
                made = self._root(request.root_certificate_der)
            case kinds.KIND_INTERMEDIATE if not request.root_certificate_der:
                made = await self._intermediate(request.request_id)
            case _:
                raise InvalidArgumentError.field(
                    "certificate_authority.kind", "ROOT with a certificate, or INTERMEDIATE"
                )
        async with self._database.tenant(PLATFORM) as tx:
            return await once(tx, "fleet", kinds, partial(self._create, tx, made))

    def _root(self, certificate_der: bytes) -> CertificateAuthority:
        authority_id, installed = chains.read_root(certificate_der, now=self._now())
        return self._made(authority_id, Kind.ROOT, State.TRUSTED, installed=installed)

    async def _intermediate(self, request_id: str) -> CertificateAuthority:
        # Named by the request, so that a retry finds the key that the first call made.
        label = f"hub-authority-{request_id}"
        key = await to_thread(self._signers.keys.make, label)
        asked = await to_thread(chains.request, key)
        return self._made(asked.authority_id, Kind.INTERMEDIATE, State.PENDING, key_label=label, csr_der=asked.csr_der)

    def _made(
        self,
        authority_id: UUID,
        kind: Kind,
        state: State,
        *,
        key_label: str = "",
        csr_der: bytes = b"",
        installed: Installed | None = None,
    ) -> CertificateAuthority:
        now = self._now()
        return CertificateAuthority(
            authority_id=authority_id,
            kind=kind,
            state=state,
            key_label=key_label,
            csr_der=csr_der,
            installed=installed,
            revision=1,
            create_time=now,
            update_time=now,
        )

    async def _create(self, tx: Tx, made: CertificateAuthority) -> certificate_authority_pb2.CertificateAuthority:
        if not await authorities.insert(tx, made):
            raise AlreadyExistsError("an authority of this key is there", reason="AUTHORITY_EXISTS")
        return packing.to_proto(made)

    async def InstallCertificate(
        self, request: pb.InstallCertificateRequest, context: Any
    ) -> certificate_authority_pb2.CertificateAuthority:
        """Give an intermediate what the roots signed."""
        del context
        async with self._database.platform() as tx:
            held = await self._lock(tx, request.name)
            if not held.csr_der:
                raise StateConflictError("it asked for no certificate", reason="AUTHORITY_STATE", state=held.state)
            trusted = await authorities.in_states(tx, TRUSTED_STATES)
            installed = chains.read_intermediate(
                request.certificate_der,
                request.cross_certificates_der,
                csr_der=held.csr_der,
                roots=[each.installed.certificate_der for each in trusted if each.kind is Kind.ROOT and each.installed],
                now=self._now(),
            )
            return await _saved(tx, held, held.install(installed, now=self._now(), etag=request.etag))

    async def ActivateCertificateAuthority(
        self, request: pb.ActivateCertificateAuthorityRequest, context: Any
    ) -> certificate_authority_pb2.CertificateAuthority:
        """Let an intermediate sign that everybody trusts already; the one before signs no more."""
        del context
        async with self._database.platform() as tx:
            held = await self._lock(tx, request.name)
            after = held.apply(Event.ACTIVATE, now=self._now(), etag=request.etag)
            if after is not held:
                bundle = await trust_bundles.get(tx, "HUB")
                if (
                    bundle is None
                    or after.installed is None
                    or not chains.rests_on(after.installed, bundle.anchors_der)
                ):
                    raise StateConflictError(
                        "the newest HUB trust bundle does not list its root", reason="TRUST_BUNDLE_BEHIND"
                    )
                await self._signers.of(after)  # the key is here, or nothing changes
                before = await authorities.signing(tx)
                if before is not None:
                    await authorities.save(tx, before.apply(Event.SUPERSEDE, now=self._now()))
            return await _saved(tx, held, after)

    async def RetireCertificateAuthority(
        self, request: pb.RetireCertificateAuthorityRequest, context: Any
    ) -> certificate_authority_pb2.CertificateAuthority:
        """End the trust in an authority; by force a job revokes what it has out."""
        del context
        async with self._database.platform() as tx:
            held = await self._lock(tx, request.name)
            event = Event.FORCE if request.force else Event.RETIRE
            after = held.apply(event, now=self._now(), etag=request.etag)
            if after is not held:
                await self._require_unused(tx, held, force=request.force)
            return await _saved(tx, held, after)

    async def _require_unused(self, tx: Tx, held: CertificateAuthority, *, force: bool) -> None:
        if held.kind is Kind.ROOT and held.installed is not None:
            anchor = [held.installed.certificate_der]
            for each in await authorities.in_states(tx, TRUSTED_STATES):
                if each.kind is Kind.INTERMEDIATE and each.installed and chains.rests_on(each.installed, anchor):
                    raise StateConflictError("an intermediate of this root is not retired", reason="AUTHORITY_IN_USE")
        elif not force and await authorities.good(tx, held.authority_id, now=self._now(), limit=1):
            raise StateConflictError("a Hub may still show a certificate of it", reason="AUTHORITY_IN_USE")

    async def ListCertificateAuthorities(
        self, request: pb.ListCertificateAuthoritiesRequest, context: Any
    ) -> pb.ListCertificateAuthoritiesResponse:
        """Return one page of authorities, newest first."""
        del context
        question, size = "certificate authorities", pages.size(request)
        cursor = pages.cursor_of(request, question)
        time, last = pages.from_time_cursor(cursor) if cursor else (None, b"")
        before = (time, UUID(bytes=last)) if time and len(last) == len(UUID(int=0).bytes) else None
        async with self._database.platform() as tx:
            await self._signers.adopt(tx, now=self._now())
            found = await authorities.page(tx, before=before, limit=size + 1)
        shown, token = found[:size], ""
        if len(found) > size:
            token = pages.seal(question, pages.time_cursor(shown[-1].create_time) + shown[-1].authority_id.bytes)
        return pb.ListCertificateAuthoritiesResponse(
            certificate_authorities=map(packing.to_proto, shown), next_page_token=token
        )

    async def PublishTrustBundle(
        self, request: pb.PublishTrustBundleRequest, context: Any
    ) -> certificate_authority_pb2.TrustBundle:
        """Take a newer bundle that the offline trust key signed."""
        del context
        bundle = packing.read_bundle(request.trust_bundle, trust_key=self._trust_key)
        purpose = request.trust_bundle.purpose
        async with self._database.platform() as tx:
            await authorities.turn(tx)
            held = await trust_bundles.get(tx, packing.purpose_name(purpose))
            if held is not None and held.version >= bundle.version:
                if held != bundle:
                    raise StateConflictError(
                        "a bundle of this version or a newer one was taken before",
                        reason="TRUST_BUNDLE_OLD",
                        version=held.version,
                    )
            else:
                await trust_bundles.put(tx, packing.purpose_name(purpose), bundle, now=self._now())
        return packing.bundle_to_proto(purpose, bundle)

    async def GetTrustBundle(
        self, request: pb.GetTrustBundleRequest, context: Any
    ) -> certificate_authority_pb2.TrustBundle:
        """Return the newest bundle of a purpose."""
        del context
        async with self._database.platform(read_only=True) as tx:
            found = await trust_bundles.get(tx, packing.purpose_name(request.purpose))
        if found is None:
            raise NotFoundError("nothing was published for this purpose", reason="TRUST_BUNDLE_UNKNOWN")
        return packing.bundle_to_proto(request.purpose, found)

    async def GetRevocationList(self, request: pb.GetRevocationListRequest, context: Any) -> pb.RevocationList:
        """Return the newest list of an authority; made anew when it is an hour old or a revocation is not on it."""
        del context
        now = self._now().replace(microsecond=0)
        async with self._database.platform() as tx:
            await self._signers.adopt(tx, now=now)
            if request.certificate_authority:
                wanted = packing.parse_authority_name(request.certificate_authority, field="certificate_authority")
                authority = _known(await authorities.lock(tx, wanted))
            else:
                authority = _known(await authorities.signing(tx))
                authority = _known(await authorities.lock(tx, authority.authority_id))
            if authority.kind is Kind.ROOT or authority.installed is None:
                raise StateConflictError(
                    "it has no list here: its key is offline, or it signs nothing", reason="AUTHORITY_STATE"
                )
            made = await authorities.get_list(tx, authority.authority_id)
            if made is None or await self._is_old(tx, authority, made):
                made = await self._list(tx, authority, number=made.crl_number + 1 if made else 1)
        return pb.RevocationList(
            crl_der=made.crl_der, crl_number=made.crl_number, next_update_time=to_timestamp(made.next_update_time)
        )

    async def _is_old(self, tx: Tx, authority: CertificateAuthority, made: RevocationList) -> bool:
        now = self._now()
        if now - made.make_time >= _CRL_EVERY:
            return True
        return await authorities.has_news(tx, authority.authority_id, since=made.make_time - _LATE, now=now)

    async def _list(self, tx: Tx, authority: CertificateAuthority, *, number: int) -> RevocationList:
        now = self._now().replace(microsecond=0)
        revoked = await authorities.revoked(tx, authority.authority_id, now=now)
        der = await self._signers.revocations(authority, revoked, number=number, now=now - _SKEW, until=now + _CRL_LIFE)
        made = RevocationList(number, der, now, now + _CRL_LIFE)
        await authorities.put_list(tx, authority.authority_id, made)
        return made

    async def _lock(self, tx: Tx, name: str) -> CertificateAuthority:
        await self._signers.adopt(tx, now=self._now())
        await authorities.turn(tx)
        return _known(await authorities.lock(tx, packing.parse_authority_name(name)))


async def _saved(
    tx: Tx, before: CertificateAuthority, after: CertificateAuthority
) -> certificate_authority_pb2.CertificateAuthority:
    if after is not before:
        await authorities.save(tx, after)
    return packing.to_proto(after)


def _known(authority: CertificateAuthority | None) -> CertificateAuthority:
    if authority is None:
        raise NotFoundError("there is no such authority", reason="AUTHORITY_UNKNOWN")
    return authority
