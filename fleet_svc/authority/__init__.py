"""The key that signs Hubs' certificates, behind a port: what it must do, and what can do it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

from fleet_svc.domain.certificate import Validity
from mesh.ids import HubId

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """What a Hub's certificate is to say."""

    hub_id: HubId
    public_key: EllipticCurvePublicKey
    serial: int
    validity: Validity


@dataclass(frozen=True, slots=True)
class Revoked:
    """One line of a revocation list."""

    serial: int
    time: datetime


class Authority(Protocol):
    """Signs, and tells by what its signatures are known. Its key does not leave it."""

    @property
    def id(self) -> UUID:
        """The same for the same key, wherever it is kept."""

    @property
    def ends(self) -> datetime:
        """When its own certificate ends."""

    @property
    def intermediates_der(self) -> tuple[bytes, ...]:
        """What stands between a Hub's certificate and the root."""

    async def certify(self, template: Template) -> bytes:
        """Return the certificate in DER."""

    async def revocations(self, revoked: Sequence[Revoked], *, number: int, now: datetime, until: datetime) -> bytes:
        """Return a complete revocation list in DER."""
