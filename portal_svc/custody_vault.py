"""Owns the outer layer of Project Keys in custody, and alone has the data keys for it. It cannot open the inner one."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from ora.portal.v1.custody_pb2 import SealedProjectKey

from mesh.errors import DataLossError, InternalError

if TYPE_CHECKING:
    from mesh.kms import Kms
    from portal_svc.domain.custody import Custody, Place

PURPOSE: Final = "project_key"
# Layout: version 1, nonce, ciphertext with tag. The associated data is the contract's binding.
_VERSION: Final = b"\x01"
_NONCE_BYTES: Final = 12


class CustodyVault:
    """Seals and opens for one place: tenant, project, generation, lock epoch. Data keys live as long as one call."""

    def __init__(self, kms: Kms) -> None:
        self._kms = kms

    async def seal(self, place: Place, inner: SealedProjectKey) -> tuple[bytes, bytes]:
        """Return what is kept of a sealed Project Key: its bytes under a new data key, and the data key, wrapped."""
        made, nonce = await self._kms.generate_data_key(place.kms_context(PURPOSE)), secrets.token_bytes(_NONCE_BYTES)
        body = AESGCM(made.plaintext).encrypt(nonce, inner.SerializeToString(deterministic=True), place.binding)
        return _VERSION + nonce + body, made.blob

    async def open(self, held: Custody) -> SealedProjectKey:
        """Return the sealed Project Key as the client brought it."""
        if held.sealed is None or held.data_key is None:
            raise InternalError("what is destroyed cannot be opened")
        key = await self._kms.unwrap(held.data_key, held.place.kms_context(PURPOSE))
        nonce, body = held.sealed[1 : 1 + _NONCE_BYTES], held.sealed[1 + _NONCE_BYTES :]
        try:
            return SealedProjectKey.FromString(AESGCM(key).decrypt(nonce, body, held.place.binding))
        except InvalidTag:
            raise DataLossError("what is in custody does not open") from None

    async def rewrap(self, held: Custody) -> bytes | None:
        """Return the data key under the newest root key; None if there is nothing to do."""
        if held.data_key is None:
            return None
        made = await self._kms.rewrap(held.data_key, held.place.kms_context(PURPOSE))
        return None if made == held.data_key else made

    async def destroy(self, place: Place, data_key: bytes) -> None:
        """Destroy a data key."""
        await self._kms.destroy(data_key, place.kms_context(PURPOSE))
