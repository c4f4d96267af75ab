"""Owns the key port's AWS KMS adapter: one alias a purpose, the context as encryption context. Knows no service.

The key policy of ``alias/{prefix}{purpose}`` says which workload may decrypt; AWS refuses the others, whatever we ask.
"""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Any, Final, Protocol

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from mesh.errors import DataLossError, UnavailableError
from mesh.kms import Context, DataKey, Destroyed

if TYPE_CHECKING:
    from collections.abc import Callable

# The blob: version 3, key id, then AWS's own.
_VERSION: Final = b"\x03"
_ID: Final = slice(1, 17)
_BODY: Final = slice(17, None)
_NOT_OURS: Final = frozenset({"InvalidCiphertextException", "IncorrectKeyException"})


class AwsClient(Protocol):
    """What is asked of AWS."""

    def generate_data_key(self, **request: Any) -> dict[str, Any]:
        """Make a data key."""

    def decrypt(self, **request: Any) -> dict[str, Any]:
        """Open one."""

    def re_encrypt(self, **request: Any) -> dict[str, Any]:
        """Wrap one anew, inside AWS."""


def aws_client(region: str, endpoint: str = "") -> AwsClient:
    """Return a client with time limits that fit in a call's deadline."""
    limits = Config(connect_timeout=2, read_timeout=3, retries={"max_attempts": 2, "mode": "standard"})
    made: AwsClient = boto3.client("kms", region_name=region, endpoint_url=endpoint or None, config=limits)
    return made


class AwsKms:
    """Asks AWS. Its client blocks, so each call has a thread."""

    def __init__(self, client: AwsClient, destroyed: Destroyed, *, prefix: str = "ora-") -> None:
        self._client, self._destroyed, self._prefix = client, destroyed, prefix

    async def generate_data_key(self, context: Context) -> DataKey:
        """Return a new data key that opens in this context alone."""
        key_id = secrets.token_bytes(16)
        made = await self._ask(
            self._client.generate_data_key,
            KeyId=self._alias(context),
            KeySpec="AES_256",
            EncryptionContext=_bound(key_id, context),
        )
        return DataKey(plaintext=made["Plaintext"], blob=_VERSION + key_id + made["CiphertextBlob"])

    async def unwrap(self, blob: bytes, context: Context) -> bytes:
        """Return the data key."""
        key_id = self.key_id(blob)
        await self._destroyed.refuse(key_id)
        opened: bytes = (
            await self._ask(
                # The blob names its key, which may be older than what the alias stands for now.
                self._client.decrypt,
                CiphertextBlob=blob[_BODY],
                EncryptionContext=_bound(key_id, context),
            )
        )["Plaintext"]
        return opened

    async def rewrap(self, blob: bytes, context: Context) -> bytes:
        """Return the same data key under what the alias stands for now; its plaintext stays in AWS."""
        key_id = self.key_id(blob)
        await self._destroyed.refuse(key_id)
        made = await self._ask(
            self._client.re_encrypt,
            CiphertextBlob=blob[_BODY],
            SourceEncryptionContext=_bound(key_id, context),
            DestinationKeyId=self._alias(context),
            DestinationEncryptionContext=_bound(key_id, context),
        )
        return _VERSION + key_id + bytes(made["CiphertextBlob"])

    async def destroy(self, blob: bytes, context: Context) -> None:
        """Remember that the data key is not to be opened again."""
        del context
        await self._destroyed.add(self.key_id(blob))

    def key_id(self, blob: bytes) -> bytes:
        """Return the identifier of the data key in a blob."""
        if len(blob) <= _BODY.start or blob[:1] != _VERSION:
            raise DataLossError("this is no wrapped data key", reason="KEY_CONTEXT")
        return blob[_ID]

    def _alias(self, context: Context) -> str:
        return f"alias/{self._prefix}{context['purpose'].replace('_', '-')}"

    @staticmethod
    async def _ask(call: Callable[..., dict[str, Any]], **request: Any) -> dict[str, Any]:
        try:
            return await asyncio.to_thread(call, **request)
        except ClientError as error:
            reason = error.response.get("Error", {}).get("Code", "")
            if reason in _NOT_OURS:
                raise DataLossError("the data key does not open in this context", reason="KEY_CONTEXT") from None
            raise UnavailableError("AWS KMS refuses", reason="KMS_UNAVAILABLE", cause=reason) from error
        except BotoCoreError as error:
            raise UnavailableError("AWS KMS is away", reason="KMS_UNAVAILABLE") from error


def _bound(key_id: bytes, context: Context) -> dict[str, str]:
    return {**context, "data_key": key_id.hex()}
