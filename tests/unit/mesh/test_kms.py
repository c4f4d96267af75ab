"""The key port: one suite over its three adapters, and what each has of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import boto3
import pytest
from moto import mock_aws

from mesh.config import ConfigError, load
from mesh.errors import PermissionDeniedError, UnavailableError
from mesh.kms import DataKey, Destroyed, FileKms, ForPurposes, Kms
from mesh.kms_aws import AwsKms, aws_client
from mesh.kms_choice import KmsConfig, open_kms
from mesh.kms_pkcs11 import Pkcs11Kms
from mesh.pkcs11 import Pkcs11Config, Token
from tests.suites.kms import CONTEXT, KmsSuite

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REGION = "ap-southeast-2"


class TestFile(KmsSuite):
    @pytest.fixture(autouse=True)
    def _made(self, tmp_path: Path) -> None:
        self.folder = tmp_path / "kms"
        self.made = FileKms.create(self.folder)

    def kms(self) -> Kms:
        return self.made

    def again(self) -> Kms:
        return FileKms.create(self.folder)

    async def rotate(self) -> None:
        self.made.rotate()

    async def test_a_root_key_that_is_away_is_unavailable(self) -> None:
        made = await self.made.generate_data_key(CONTEXT)
        (self.folder / "root-0001.key").unlink()
        with pytest.raises(UnavailableError) as refused:
            await self.made.unwrap(made.blob, CONTEXT)
        assert refused.value.reason == "KMS_UNAVAILABLE"

    def test_its_files_are_private(self) -> None:
        assert (self.folder / "root-0001.key").stat().st_mode & 0o077 == 0


@pytest.mark.debian("softhsm2")
class TestPkcs11(KmsSuite):
    @pytest.fixture(autouse=True)
    def _made(self, hsm: Pkcs11Config, tmp_path: Path) -> Iterator[None]:
        self.token, self.folder = Token(hsm), tmp_path
        self.made = Pkcs11Kms(self.token, Destroyed(tmp_path))
        if not self.token.labels("ora/project_key/"):
            self.token.make_aes("ora/project_key/0001")
        yield
        self.token.close()

    def kms(self) -> Kms:
        return self.made

    def again(self) -> Kms:
        return Pkcs11Kms(self.token, Destroyed(self.folder))

    async def rotate(self) -> None:
        await self.made.rotate("project_key")

    async def test_a_purpose_without_a_root_key_has_no_data_keys(self) -> None:
        with pytest.raises(UnavailableError) as refused:
            await self.made.generate_data_key({**CONTEXT, "purpose": str(uuid4())})
        assert refused.value.reason == "KMS_UNAVAILABLE"

    async def test_under_the_newest_root_key_there_is_nothing_to_wrap_anew(self) -> None:
        made = await self.made.generate_data_key(CONTEXT)
        assert await self.made.rewrap(made.blob, CONTEXT) == made.blob


class TestAws(KmsSuite):
    @pytest.fixture(autouse=True)
    def _made(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        with mock_aws():
            self.client = boto3.client("kms", region_name=REGION)
            key = self.client.create_key()["KeyMetadata"]["KeyId"]
            self.client.create_alias(AliasName="alias/ora-project-key", TargetKeyId=key)
            self.folder = tmp_path
            self.made = AwsKms(aws_client(REGION), Destroyed(tmp_path))
            yield

    def kms(self) -> Kms:
        return self.made

    def again(self) -> Kms:
        return AwsKms(aws_client(REGION), Destroyed(self.folder))

    async def rotate(self) -> None:
        # AWS turns the material behind a key; the emulator does not, so another key takes the alias.
        key = self.client.create_key()["KeyMetadata"]["KeyId"]
        self.client.update_alias(AliasName="alias/ora-project-key", TargetKeyId=key)

    async def test_a_purpose_without_a_key_is_unavailable(self) -> None:
        with pytest.raises(UnavailableError) as refused:
            await self.made.generate_data_key({**CONTEXT, "purpose": "other"})
        assert refused.value.metadata["cause"] == "NotFoundException"

    async def test_aws_that_does_not_answer_is_unavailable(self) -> None:
        client = boto3.client("kms", region_name=REGION)
        client.meta.events.register("before-send.kms", _cut)
        with pytest.raises(UnavailableError) as refused:
            await AwsKms(client, Destroyed(self.folder)).generate_data_key(CONTEXT)
        assert refused.value.reason == "KMS_UNAVAILABLE"


def _cut(**_: object) -> None:
    from botocore.exceptions import EndpointConnectionError  # noqa: PLC0415 - the way it fails, used here alone

    raise EndpointConnectionError(endpoint_url="https://kms.test")


async def test_a_workload_has_the_keys_of_its_purposes_alone(tmp_path: Path) -> None:
    whole = FileKms.create(tmp_path)
    made = await whole.generate_data_key(CONTEXT)
    custody, other = ForPurposes(whole, "project_key"), ForPurposes(whole, "project", "search")
    again = await custody.generate_data_key(CONTEXT)
    assert await custody.unwrap(made.blob, CONTEXT) == made.plaintext
    assert await custody.rewrap(again.blob, CONTEXT) == again.blob
    assert other.key_id(made.blob) == whole.key_id(made.blob)
    for call in (other.unwrap, other.rewrap, other.destroy):
        with pytest.raises(PermissionDeniedError) as refused:
            await call(made.blob, CONTEXT)
        assert refused.value.reason == "KMS_PURPOSE"
    with pytest.raises(PermissionDeniedError):
        await other.generate_data_key(CONTEXT)
    await custody.destroy(again.blob, CONTEXT)


def test_the_adapter_is_chosen_by_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    folder = {"ORA_KMS_FOLDER": str(tmp_path)}
    (tmp_path / "pin").write_text("1")
    chosen = {
        "file": FileKms,
        "pkcs11": Pkcs11Kms,
        "aws": AwsKms,
    }
    more = {
        "ORA_PKCS11_MODULE": "/lib.so",
        "ORA_PKCS11_TOKEN": "ora",
        "ORA_PKCS11_PIN_FILE": str(tmp_path / "pin"),
        "ORA_KMS_AWS_REGION": REGION,
    }
    for kind, adapter in chosen.items():
        opened = open_kms(load(KmsConfig, {**folder, **more, "ORA_KMS": kind}), "project")
        assert isinstance(opened._kms, adapter)
        if kind != "file":
            with pytest.raises(ConfigError):
                load(KmsConfig, {**folder, "ORA_KMS": kind})


def test_a_data_key_shows_nothing() -> None:
    assert repr(DataKey(plaintext=b"x", blob=b"y")) == "DataKey()"
