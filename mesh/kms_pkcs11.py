"""Owns the key port's PKCS#11 adapter: root keys in an HSM, one row of them a purpose. Knows no service.

Root key ``ora/{purpose}/{number}`` is AES-256 and never leaves the token; it wraps data keys under AES-GCM with the
context as associated data.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from typing import TYPE_CHECKING, Final

from mesh.errors import DataLossError, UnavailableError
from mesh.kms import KEY_BYTES, Context, DataKey, Destroyed, bound

if TYPE_CHECKING:
    from mesh.pkcs11 import Token

# The blob: version 2, root key number, key id, nonce, digest of the context, the data key under AES-256-GCM.
_VERSION: Final = b"\x02"
_NUMBER: Final = slice(1, 3)
_ID: Final = slice(3, 19)
_NONCE: Final = slice(19, 31)
_CONTEXT: Final = slice(31, 47)
_BODY: Final = slice(47, None)
_BLOB_BYTES: Final = 47 + KEY_BYTES + 16


class Pkcs11Kms:
    """Wraps data keys in the HSM. Calls block, so each has a thread."""

    def __init__(self, token: Token, destroyed: Destroyed) -> None:
        self._token, self._destroyed = token, destroyed

    async def rotate(self, purpose: str) -> None:
        """Make a new root key of a purpose; older ones open what they wrapped."""
        newest = await asyncio.to_thread(self._newest, purpose)
        await asyncio.to_thread(self._token.make_aes, _label(purpose, newest + 1))

    async def generate_data_key(self, context: Context) -> DataKey:
        """Return a new data key that opens in this context alone."""
        plaintext = secrets.token_bytes(KEY_BYTES)
        blob = await asyncio.to_thread(self._wrap, plaintext, secrets.token_bytes(16), context)
        return DataKey(plaintext=plaintext, blob=blob)

    async def unwrap(self, blob: bytes, context: Context) -> bytes:
        """Return the data key."""
        await self._destroyed.refuse(self.key_id(blob))
        return await asyncio.to_thread(self._unwrap, blob, context)

    async def rewrap(self, blob: bytes, context: Context) -> bytes:
        """Return the same data key under the newest root key of its purpose."""
        plaintext = await self.unwrap(blob, context)
        if await asyncio.to_thread(self._newest, context["purpose"]) == int.from_bytes(blob[_NUMBER], "big"):
            return blob
        return await asyncio.to_thread(self._wrap, plaintext, self.key_id(blob), context)

    async def destroy(self, blob: bytes, context: Context) -> None:
        """Remember that the data key is not to be opened again."""
        del context
        await self._destroyed.add(self.key_id(blob))

    def key_id(self, blob: bytes) -> bytes:
        """Return the identifier of the data key in a blob."""
        if len(blob) != _BLOB_BYTES or blob[:1] != _VERSION:
            raise DataLossError("this is no wrapped data key", reason="KEY_CONTEXT")
        return blob[_ID]

    def _newest(self, purpose: str) -> int:
        prefix = f"ora/{purpose}/"
        return max((int(each.removeprefix(prefix)) for each in self._token.labels(prefix)), default=0)

    def _wrap(self, plaintext: bytes, key_id: bytes, context: Context) -> bytes:
        number, nonce = self._newest(context["purpose"]), secrets.token_bytes(12)
        if not number:
            raise UnavailableError("the HSM has no root key for this purpose", reason="KMS_UNAVAILABLE")
        body = self._token.encrypt(_label(context["purpose"], number), nonce, plaintext, bound(key_id, context))
        return _VERSION + number.to_bytes(2, "big") + key_id + nonce + _digest(key_id, context) + body

    def _unwrap(self, blob: bytes, context: Context) -> bytes:
        # The HSM is asked about the right context alone: its refusals do not tell a wrong tag from a fault.
        opened = None
        if blob[_CONTEXT] == _digest(blob[_ID], context):
            label = _label(context["purpose"], int.from_bytes(blob[_NUMBER], "big"))
            opened = self._token.decrypt(label, blob[_NONCE], blob[_BODY], bound(blob[_ID], context))
        if opened is None:
            raise DataLossError("the data key does not open in this context", reason="KEY_CONTEXT")
        return opened


def _label(purpose: str, number: int) -> str:
    return f"ora/{purpose}/{number:04}"


def _digest(key_id: bytes, context: Context) -> bytes:
    return hashlib.sha256(bound(key_id, context)).digest()[:16]
