"""Owns the adapter of the object port for stores that speak S3. It knows no service.

The client is boto3's, in threads: the same one as the key service's. An object is one PUT, or a multipart upload whose
end makes it visible at once; what a writer that died left of one is aborted by ``sweep``.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid4

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from mesh.errors import DataLossError, UnavailableError
from mesh.objects import READ_BYTES, StoredObject, away

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Callable
    from datetime import date

# A part of a multipart upload has at least 5 MiB, but for the last.
PART_BYTES: Final = 8 << 20
_MISSING: Final = frozenset({"NoSuchKey", "404"})
_BEYOND: Final = "InvalidRange"
_GONE: Final = "NoSuchUpload"
_PATIENCE: Final = Config(
    connect_timeout=2,
    read_timeout=10,
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=32,
    user_agent_extra="ora",
)


class S3Objects:
    """Objects in one bucket, below one prefix. Credentials and region are the process's own (environment, role)."""

    def __init__(self, bucket: str, prefix: str = "", *, endpoint: str = "", client: Any = None) -> None:
        self._bucket = bucket
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._client: Any = client or boto3.client("s3", endpoint_url=endpoint or None, config=_PATIENCE)

    async def put(self, content: AsyncIterable[bytes]) -> UUID:
        """Store an object: S3 answers when it is durable, and shows it to nobody before."""
        object_id = uuid4()
        key, waiting = self._key(object_id), bytearray()
        upload: _Multipart | None = None
        try:
            async for piece in content:
                waiting += piece
                while len(waiting) >= PART_BYTES:
                    upload = upload or await self._begin(key)
                    await upload.add(bytes(waiting[:PART_BYTES]))
                    del waiting[:PART_BYTES]
            if upload is None:
                await self._do(self._client.put_object, Key=key, Body=bytes(waiting))
            else:
                if waiting:
                    await upload.add(bytes(waiting))
                await upload.complete()
        except BaseException:
            if upload is not None:
                await asyncio.shield(upload.abort())
            raise
        return object_id

    async def _begin(self, key: str) -> _Multipart:
        begun = await self._do(self._client.create_multipart_upload, Key=key)
        return _Multipart(self._client, partial(self._do, Key=key, UploadId=begun["UploadId"]))

    async def get(self, object_id: UUID, *, offset: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        """Yield a range of an object."""
        if length is not None and length <= 0:
            return
        last = "" if length is None else str(offset + length - 1)
        try:
            found = await self._do(self._client.get_object, Key=self._key(object_id), Range=f"bytes={offset}-{last}")
        except _BeyondError:
            return
        body = found["Body"]
        try:
            while piece := await _call(partial(body.read, READ_BYTES)):
                yield piece
        finally:
            body.close()

    async def delete(self, object_id: UUID) -> None:
        """Delete an object."""
        await self._do(self._client.delete_object, Key=self._key(object_id))

    async def list(self) -> AsyncIterator[StoredObject]:
        """Yield every object; what is no object of ours below the prefix is left alone."""
        token: dict[str, str] = {}
        while True:
            page = await self._do(self._client.list_objects_v2, Prefix=self._prefix, **token)
            for each in page.get("Contents", ()):
                object_id = _object_id(each["Key"])
                if object_id is not None:
                    yield StoredObject(object_id, each["LastModified"].astimezone(UTC).date())
            if not page.get("IsTruncated"):
                return
            token = {"ContinuationToken": page["NextContinuationToken"]}

    async def sweep(self, before: date) -> None:
        """Abort what was left half-written."""
        marks: dict[str, str] = {}
        while True:
            page = await self._do(self._client.list_multipart_uploads, Prefix=self._prefix, **marks)
            for each in page.get("Uploads", ()):
                if each["Initiated"].astimezone(UTC).date() < before:
                    named = partial(self._do, Key=each["Key"], UploadId=each["UploadId"])
                    await _Multipart(self._client, named).abort()
            if not page.get("IsTruncated"):
                return
            marks = {"KeyMarker": page["NextKeyMarker"], "UploadIdMarker": page["NextUploadIdMarker"]}

    async def _do(self, operation: Callable[..., Any], **values: Any) -> Any:
        return await _call(partial(operation, Bucket=self._bucket, **values))

    def _key(self, object_id: UUID) -> str:
        return f"{self._prefix}{object_id.hex[:2]}/{object_id.hex}"


def _object_id(key: str) -> UUID | None:
    try:
        return UUID(key.rsplit("/", 1)[-1])
    except ValueError:
        return None


class _Multipart:
    """One multipart upload on its way."""

    def __init__(self, client: Any, do: Callable[..., Any]) -> None:
        self._client, self._do = client, do
        self._parts: list[dict[str, Any]] = []

    async def add(self, data: bytes) -> None:
        number = len(self._parts) + 1
        answer = await self._do(self._client.upload_part, PartNumber=number, Body=data)
        self._parts.append({"PartNumber": number, "ETag": answer["ETag"]})

    async def complete(self) -> None:
        await self._do(self._client.complete_multipart_upload, MultipartUpload={"Parts": self._parts})

    async def abort(self) -> None:
        """Give it up; if the store cannot be asked, ``sweep`` does it later."""
        with suppress(UnavailableError):
            await self._do(self._client.abort_multipart_upload)


class _BeyondError(Exception):
    """The range begins at or after the object's end."""


async def _call(operation: Callable[[], Any]) -> Any:
    try:
        return await asyncio.to_thread(operation)
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if code in _MISSING:
            raise DataLossError("an object is not there", reason="OBJECT_MISSING") from None
        if code == _BEYOND:
            raise _BeyondError from None
        if code == _GONE:
            return None
        raise away() from error
    except (BotoCoreError, OSError) as error:
        raise away() from error
