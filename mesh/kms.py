"""Owns the port through which services have data keys made, opened and destroyed, and the file adapter for development.

A data key is bound to a context (purpose, tenant and what else the service says): with another context it does not
open. Services keep the wrapped blob; the plaintext lives as long as the call that needs it. Which adapter serves, and
for which purposes, says ``mesh.kms_choice`` (ADR 0078).
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from mesh.errors import DataLossError, PermissionDeniedError, UnavailableError

if TYPE_CHECKING:
    from pathlib import Path

Context = Mapping[str, str]
KEY_BYTES: Final = 32

# The blob of the file adapter: version 1, root key number, key id, nonce, the data key under AES-256-GCM.
_VERSION: Final = b"\x01"
_NUMBER: Final = slice(1, 3)
_ID: Final = slice(3, 19)
_NONCE: Final = slice(19, 31)
_BODY: Final = slice(31, None)
_BLOB_BYTES: Final = 31 + KEY_BYTES + 16
_ROOT: Final = re.compile(r"root-(\d{4})\.key", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class DataKey:
    """A new data key: to use now, and to keep wrapped."""

    plaintext: bytes = field(repr=False)
    blob: bytes = field(repr=False)


class Kms(Protocol):
    """Makes and opens data keys. What cannot be asked raises ``UnavailableError``, KMS_UNAVAILABLE."""

    async def generate_data_key(self, context: Context) -> DataKey:
        """Return a new data key that opens in this context alone."""

    async def unwrap(self, blob: bytes, context: Context) -> bytes:
        """Return the data key; ``DataLossError``, KEY_DESTROYED or KEY_CONTEXT, if it does not open."""

    async def rewrap(self, blob: bytes, context: Context) -> bytes:
        """Return the same data key under the newest root key; the same blob if it is."""

    async def destroy(self, blob: bytes, context: Context) -> None:
        """Make the data key unusable for ever; a second time has no further effect."""

    def key_id(self, blob: bytes) -> bytes:
        """Return the identifier of the data key in a blob; the same after ``rewrap``."""


class Destroyed:
    """Which data keys are destroyed: a file for each, in a folder that all nodes share and no backup rolls back.

    No root key forgets one data key, so an adapter asks here before it opens one. Whoever holds a blob and the root
    key past these adapters is stopped by the root key's end alone: blobs are deleted with what they open.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def refuse(self, key_id: bytes) -> None:
        """Refuse a data key that is destroyed."""
        if await asyncio.to_thread(self._path(key_id).exists):
            raise DataLossError("the data key is destroyed", reason="KEY_DESTROYED")

    async def add(self, key_id: bytes) -> None:
        """Remember that a data key is not to be opened again, on disk before this returns."""
        await asyncio.to_thread(self._write, key_id)

    def _path(self, key_id: bytes) -> Path:
        return self._folder / key_id.hex()[:2] / key_id.hex()

    def _write(self, key_id: bytes) -> None:
        path = self._path(key_id)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(0o600)
        for each in (path, path.parent, self._folder):
            descriptor = os.open(each, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


class FileKms:
    """Root keys in a folder: for development and tests. What is destroyed is remembered beside them."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._destroyed = folder, Destroyed(folder / "destroyed-keys")

    @classmethod
    def create(cls, folder: Path) -> FileKms:
        """Return the adapter on ``folder``, with a first root key if there is none."""
        made = cls(folder)
        if not made._roots():
            made.rotate()
        return made

    def rotate(self) -> None:
        """Make a new root key; older ones open what they wrapped."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self._folder / f"root-{max(self._roots(), default=0) + 1:04}.key"
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))

    async def generate_data_key(self, context: Context) -> DataKey:
        """Return a new data key that opens in this context alone."""
        plaintext = secrets.token_bytes(KEY_BYTES)
        return DataKey(plaintext=plaintext, blob=self._wrap(plaintext, secrets.token_bytes(16), context))

    async def unwrap(self, blob: bytes, context: Context) -> bytes:
        """Return the data key."""
        await self._destroyed.refuse(self.key_id(blob))
        root = self._root(int.from_bytes(blob[_NUMBER], "big"))
        try:
            return AESGCM(root).decrypt(blob[_NONCE], blob[_BODY], bound(blob[_ID], context))
        except InvalidTag:
            raise DataLossError("the data key does not open in this context", reason="KEY_CONTEXT") from None

    async def rewrap(self, blob: bytes, context: Context) -> bytes:
        """Return the same data key under the newest root key."""
        plaintext = await self.unwrap(blob, context)
        if int.from_bytes(blob[_NUMBER], "big") == max(self._roots(), default=0):
            return blob
        return self._wrap(plaintext, self.key_id(blob), context)

    async def destroy(self, blob: bytes, context: Context) -> None:
        """Remember that the data key is not to be opened again, on disk before this returns."""
        del context
        await self._destroyed.add(self.key_id(blob))

    def key_id(self, blob: bytes) -> bytes:
        """Return the identifier of the data key in a blob."""
        if len(blob) != _BLOB_BYTES or blob[:1] != _VERSION:
            raise DataLossError("this is no wrapped data key", reason="KEY_CONTEXT")
        return blob[_ID]

    def _wrap(self, plaintext: bytes, key_id: bytes, context: Context) -> bytes:
        number, nonce = max(self._roots(), default=0), secrets.token_bytes(12)
        body = AESGCM(self._root(number)).encrypt(nonce, plaintext, bound(key_id, context))
        return _VERSION + number.to_bytes(2, "big") + key_id + nonce + body

    def _roots(self) -> list[int]:
        return [int(match[1]) for each in self._folder.glob("root-*.key") if (match := _ROOT.fullmatch(each.name))]

    def _root(self, number: int) -> bytes:
        try:
            return (self._folder / f"root-{number:04}.key").read_bytes()
        except OSError as error:
            raise UnavailableError("the root key cannot be read", reason="KMS_UNAVAILABLE") from error


def bound(key_id: bytes, context: Context) -> bytes:
    """Return what a wrapped data key is bound to."""
    return b"ora kms v1\x00" + key_id + json.dumps(dict(context), sort_keys=True).encode()


class ForPurposes:
    """A key port for some purposes and no other: what a workload, or a room of one, is given of it."""

    def __init__(self, kms: Kms, *purposes: str) -> None:
        self._kms, self._purposes = kms, frozenset(purposes)

    async def generate_data_key(self, context: Context) -> DataKey:
        """Return a new data key."""
        return await self._for(context).generate_data_key(context)

    async def unwrap(self, blob: bytes, context: Context) -> bytes:
        """Return the data key."""
        return await self._for(context).unwrap(blob, context)

    async def rewrap(self, blob: bytes, context: Context) -> bytes:
        """Return the same data key under the newest root key."""
        return await self._for(context).rewrap(blob, context)

    async def destroy(self, blob: bytes, context: Context) -> None:
        """Make the data key unusable for ever."""
        await self._for(context).destroy(blob, context)

    def key_id(self, blob: bytes) -> bytes:
        """Return the identifier of the data key in a blob."""
        return self._kms.key_id(blob)

    def _for(self, context: Context) -> Kms:
        if context.get("purpose") not in self._purposes:
            raise PermissionDeniedError("these keys are not for this workload", reason="KMS_PURPOSE")
        return self._kms
