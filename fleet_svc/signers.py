"""Owns which authority signs Hubs' certificates now, and the way to its key; decides no life cycle.

The one that is configured as files is taken into the registry of authorities when it is first needed, so that it can be
followed by another like any.
"""

from __future__ import annotations

from asyncio import to_thread
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from fleet_svc.authority import Authority, Revoked
from fleet_svc.authority.x509_authority import X509Authority, id_of
from fleet_svc.domain.certificate_authority import CertificateAuthority, Installed, Kind, State
from fleet_svc.store import authorities

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from fleet_svc.authority.keys import AuthorityKeys
    from mesh.db import Tx

# The label of the key that is configured as a file.
CONFIGURED: Final = "configured"
_KNOWN: Final = 16
# A Hub is given four certificates at most.
_CROSSED: Final = 2


class Signers:
    """The authorities whose keys this process can use."""

    def __init__(self, configured: X509Authority | None, keys: AuthorityKeys) -> None:
        self.keys = keys
        self._configured, self._adopted = configured, configured is None
        self._known: dict[tuple[UUID, int], Authority] = {}

    async def current(self, tx: Tx, *, now: datetime) -> Authority | None:
        """Return who signs now."""
        await self.adopt(tx, now=now)
        row = await authorities.signing(tx)
        return None if row is None else await self.of(row)

    async def of(self, row: CertificateAuthority) -> Authority:
        """Return an intermediate with its key; refused where the key is not here."""
        if self._configured is not None and row.key_label == CONFIGURED and row.authority_id == self._configured.id:
            return self._configured
        known = self._known.get((row.authority_id, row.revision))
        if known is None:
            assert row.installed is not None  # noqa: S101 - by the table's check, for what is trusted
            own = x509.load_der_x509_certificate(row.installed.certificate_der)
            key = await to_thread(self.keys.get, row.key_label)
            # Who knows the older root alone takes the first certificate that fits and looks no further; who knows both
            # takes either.
            sent = (*row.installed.cross_certificates_der[:_CROSSED], row.installed.certificate_der)
            known = X509Authority([own], key, sent=sent)
            while len(self._known) >= _KNOWN:
                self._known.pop(next(iter(self._known)))
            self._known[row.authority_id, row.revision] = known
        return known

    async def adopt(self, tx: Tx, *, now: datetime) -> None:
        """Take the configured authority into the registry, unless it is there; it signs if nobody does."""
        if self._adopted or self._configured is None:
            return
        if await authorities.get(tx, self._configured.id) is None:
            await authorities.turn(tx)
            own, *above = self._configured.chain
            for root in (each for each in above if each.subject == each.issuer):
                await authorities.insert(tx, _row(root, Kind.ROOT, State.TRUSTED, "", now=now))
            state = State.TRUSTED if await authorities.signing(tx) else State.SIGNING
            await authorities.insert(tx, _row(own, Kind.INTERMEDIATE, state, CONFIGURED, now=now))
        else:
            self._adopted = True

    async def revocations(
        self,
        row: CertificateAuthority,
        revoked: list[tuple[bytes, datetime]],
        *,
        number: int,
        now: datetime,
        until: datetime,
    ) -> bytes:
        """Return the revocation list of an intermediate."""
        lines = [Revoked(int.from_bytes(serial, "big"), time) for serial, time in revoked]
        return await (await self.of(row)).revocations(lines, number=number, now=now, until=until)


def _row(certificate: x509.Certificate, kind: Kind, state: State, label: str, *, now: datetime) -> CertificateAuthority:
    return CertificateAuthority(
        authority_id=id_of(certificate.public_key()),
        kind=kind,
        state=state,
        key_label=label,
        csr_der=b"",
        installed=Installed(
            certificate_der=certificate.public_bytes(Encoding.DER),
            cross_certificates_der=(),
            not_before=certificate.not_valid_before_utc,
            not_after=certificate.not_valid_after_utc,
        ),
        revision=1,
        create_time=now,
        update_time=now,
    )
