"""Owns the choice of the object store by configuration: ``file:{folder}`` or ``s3://{bucket}/{prefix}``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from mesh.config import setting
from mesh.objects import FileObjects

if TYPE_CHECKING:
    from mesh.objects import Objects

_FILE: Final = "file"
_S3: Final = "s3"


def _location(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme == _FILE and parts.path and not parts.netloc:
        return text
    if parts.scheme == _S3 and parts.netloc and not (parts.query or parts.fragment):
        return text
    raise ValueError("is file:{folder} or s3://{bucket}/{prefix}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectStoreConfig:
    """Where a service keeps its objects. Two services never share a folder or a prefix."""

    # A folder that all nodes of the service share, or a bucket and prefix. Credentials of S3 are the process's own.
    location: str = setting("ORA_OBJECT_STORE", parse=_location)
    # The address of a store that is not Amazon's.
    endpoint: str = setting("ORA_OBJECT_STORE_ENDPOINT", default="")

    def open(self) -> Objects:
        """Return the store."""
        parts = urlsplit(self.location)
        if parts.scheme == _FILE:
            return FileObjects(Path(parts.path))
        from mesh.objects_s3 import S3Objects  # noqa: PLC0415 - boto3 takes half a second to load

        return S3Objects(parts.netloc, parts.path, endpoint=self.endpoint)
