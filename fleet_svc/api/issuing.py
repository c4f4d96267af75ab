"""Owns the making of one certificate inside a transaction that holds the Hub's row."""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING, Final

from fleet_svc.authority import Authority, Template
from fleet_svc.domain import certificate as domain
from fleet_svc.domain.certificate import Certificate
from fleet_svc.store import certificates
from mesh.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from fleet_svc.api.certificate_requests import Request
    from fleet_svc.domain.hub import Hub
    from fleet_svc.signers import Signers
    from mesh.clock import Now
    from mesh.db import Tx

# RFC 5280 allows 20 bytes and wants a positive number.
_SERIAL_BITS: Final = 159
_RANDOM: Final = secrets.SystemRandom()


class Issuer:
    """Issues certificates of the authority that signs now."""

    def __init__(
        self,
        signers: Signers,
        *,
        life: timedelta,
        now: Now,
        spread: Callable[[], float] = _RANDOM.random,
    ) -> None:
        self._signers, self._life, self._now, self._spread = signers, life, now, spread

    async def issue(self, tx: Tx, hub: Hub, request: Request) -> Certificate:
        """Return the certificate of ``request``: the one that was issued for it, or a new one."""
        before = await certificates.by_request(tx, hub.id, request.digest)
        if before is not None:
            return before
        authority = await self._signers.current(tx, now=self._now())
        if authority is None:
            raise UnavailableError("no authority signs here", reason="AUTHORITY_UNAVAILABLE")
        now, revoked_before = self._now(), hub.certificates_not_before
        domain.require_room(await certificates.count_unexpired(tx, hub.id, now=now, revoked_before=revoked_before))
        made = await self._sign(authority, hub, request)
        await certificates.insert(tx, made)
        return made

    async def _sign(self, authority: Authority, hub: Hub, request: Request) -> Certificate:
        now, serial = self._now(), secrets.randbits(_SERIAL_BITS) | 1
        validity = domain.validity(
            now,
            life=self._life,
            spread=self._spread(),
            revoked_before=hub.certificates_not_before,
            authority_ends=authority.ends,
        )
        leaf = await authority.certify(
            Template(hub_id=hub.id, public_key=request.public_key, serial=serial, validity=validity)
        )
        return Certificate(
            serial=serial.to_bytes((serial.bit_length() + 7) // 8, "big"),
            hub_id=hub.id,
            request_digest=request.digest,
            chain_der=(leaf, *authority.intermediates_der),
            fingerprint=hashlib.sha256(leaf).digest(),
            authority_id=authority.id,
            validity=validity,
            create_time=now,
        )
