"""An S3 server in this process, and buckets in it. Its answers are moto's: no Amazon account is near."""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from moto.server import ThreadedMotoServer

from mesh.objects_s3 import S3Objects

if TYPE_CHECKING:
    from collections.abc import Iterator

# What boto3 reads in a process that has no role; they open nothing.
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "ap-southeast-2",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@dataclass(frozen=True)
class S3:
    """A running server."""

    endpoint: str

    def client(self, *, endpoint: str = "") -> Any:
        return boto3.client(
            "s3",
            endpoint_url=endpoint or self.endpoint,
            aws_access_key_id="test",
            aws_secret_access_key="test",  # noqa: S106 - opens nothing
            region_name="ap-southeast-2",
            config=Config(retries={"total_max_attempts": 1}, max_pool_connections=32),
        )

    def bucket(self) -> str:
        name = f"ora-{secrets.token_hex(6)}"
        client = self.client()
        client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "ap-southeast-2"})
        client.close()
        return name

    def objects(self, prefix: str = "plans") -> S3Objects:
        return S3Objects(self.bucket(), prefix, client=self.client())


@contextmanager
def running() -> Iterator[S3]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield S3(f"http://{host}:{port}")
    finally:
        server.stop()
