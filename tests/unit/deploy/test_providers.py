"""Terraform validates the configuration against the providers' schemas, and what is wrong with it is found."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from deploy.providers import extract
from deploy.providers.terraform import InvalidError, Terraform, offline
from deploy.tools import environment

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def terraform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terraform]:
    environment.make()
    with offline(tmp_path_factory.mktemp("terraform")) as made:
        yield made


def test_the_configuration_is_valid(terraform: Terraform) -> None:
    assert "The configuration is valid" in terraform("validate")


@pytest.mark.parametrize(
    ("file", "right", "wrong", "said"),
    [
        ("stores.tf", "allocated_storage ", "allocated_storag ", "Unsupported argument"),
        ("cluster.tf", "  role_arn ", "  # role_arn ", "Missing required argument"),
        ("cluster.tf", "vpc_config {", "vpc_confg {", "Unsupported block type"),
        ("network.tf", "aws_vpc.main.id", "aws_vpc.main.identity", "Unsupported attribute"),
        ("network.tf", "aws_vpc.main.id", "aws_vpc.other.id", "Reference to undeclared resource"),
        ("stores.tf", "max_allocated_storage ", 'max_allocated_storage = ["much"] #', "Incorrect attribute value type"),
        ("edge.tf", 'resource "cloudflare_dns_record"', 'resource "cloudflare_dns"', "Invalid resource type"),
    ],
)
def test_what_is_wrong_is_found(terraform: Terraform, file: str, right: str, wrong: str, said: str) -> None:
    path = terraform.folder / file
    text = path.read_text()
    assert right in text
    path.write_text(text.replace(right, wrong, 1))
    try:
        with pytest.raises(InvalidError, match=said):
            terraform("validate")
    finally:
        path.write_text(text)


def test_every_type_that_is_used_is_known() -> None:
    known = json.loads(extract.SCHEMAS.read_text())
    for provider, folders in extract.used().items():
        kept = {*known[provider]["resources"], *(f"data {each}" for each in known[provider]["data"])}
        asked = {
            f"data {provider}_{each.removeprefix(f'data-{provider}-')}"
            if each.startswith("data-")
            else f"{provider}_{each}"
            for each in folders
        }
        assert {each.replace("-", "_") for each in asked} == kept, "python -m deploy.providers.extract"
