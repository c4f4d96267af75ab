from __future__ import annotations

import pytest
from google.protobuf import descriptor_pb2
from ora.options.v1 import options_pb2

from gateway import contract, lifecycle
from gateway.contract import ContractError

SEND = "ora.relay.v1.RelayService.Send"


def given(deprecated_on: str = "2026-11-21", sunset_on: str = "", successor: str = "") -> options_pb2.Lifecycle:
    return options_pb2.Lifecycle(deprecated_on=deprecated_on, sunset_on=sunset_on, successor=successor)


def changed(*, deprecated: bool, going: options_pb2.Lifecycle | None) -> contract.Contract:
    files = descriptor_pb2.FileDescriptorSet.FromString(contract.DESCRIPTORS.read_bytes())
    for file in files.file:
        for service in file.service:
            for method in service.method:
                if f"{file.package}.{service.name}.{method.name}" == SEND:
                    method.options.deprecated = deprecated
                    if going is not None:
                        method.options.Extensions[options_pb2.lifecycle].CopyFrom(going)
    return contract.parse(files)


def test_a_method_that_stays_says_nothing() -> None:
    assert {method.lifecycle for method in contract.load().methods} == {None}


def test_callers_are_told_since_when_and_until_when() -> None:
    read = lifecycle.parse(given(sunset_on="2027-06-01", successor="x"))
    assert read.headers == {"deprecation": "@1795219200", "sunset": "Tue, 01 Jun 2027 00:00:00 GMT"}
    assert read.successor == "x"


def test_an_end_that_is_not_decided_is_not_told() -> None:
    assert lifecycle.parse(given()).headers == {"deprecation": "@1795219200"}


def test_the_contract_is_where_it_stands() -> None:
    (method,) = (m for m in changed(deprecated=True, going=given()).methods if m.full_name == SEND)
    assert method.lifecycle == lifecycle.parse(given())


@pytest.mark.parametrize(
    "going", [given(""), given("soon"), given("2026-11-21", "2027-05-19"), given("2026-11-21", "2026-11-20")], ids=str
)
def test_a_lifecycle_that_cannot_be_is_found_when_it_is_read(going: options_pb2.Lifecycle) -> None:
    with pytest.raises(ContractError, match=SEND):
        changed(deprecated=True, going=going)


def test_deprecated_and_lifecycle_stand_together() -> None:
    for deprecated, going in ((True, None), (False, given())):
        with pytest.raises(ContractError, match="stand together"):
            changed(deprecated=deprecated, going=going)
