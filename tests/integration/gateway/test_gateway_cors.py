"""A browser asks first: pages of the origins that we name may call, and read what they need; no other page may."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import httpx
import pytest

from gateway.values import Limits
from tests.integration.gateway import running
from tests.integration.gateway.api import ENVELOPE, SEND
from tests.integration.gateway.conftest import issuers, values

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.gateway.conftest import World

OURS = "https://app.ora.test"


@pytest.fixture(scope="module")
def page(shared: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    relay = [address.port for address in shared.gateway.values.targets["relay"]]
    plain = values(shared.pki.folder, issuers(shared.voltex, shared.home), {"relay": relay}, Limits())
    with running.gateway(tmp_path_factory.mktemp("cors"), replace(plain, cors_origins=(OURS,))) as gateway:
        running.await_services(gateway)
        with httpx.Client(base_url=gateway.app, verify=shared.tls(), timeout=20) as client:
            yield client


def asks(origin: str, method: str = "POST") -> dict[str, str]:
    headers = "authorization,content-type,dpop"
    return {"origin": origin, "access-control-request-method": method, "access-control-request-headers": headers}


def test_a_page_of_ours_may_call(page: httpx.Client, world: World) -> None:
    answer = page.options(SEND, headers=asks(OURS))
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == OURS
    assert "dpop" in answer.headers["access-control-allow-headers"]
    assert "access-control-allow-credentials" not in answer.headers
    called = page.post(SEND, json=ENVELOPE, headers=world.bearer() | {"origin": OURS})
    assert called.headers["access-control-allow-origin"] == OURS
    assert "sunset" in called.headers["access-control-expose-headers"]


@pytest.mark.parametrize(
    "origin",
    ["https://evil.test", "http://app.ora.test", "https://app.ora.test.evil.test", "https://appxora.test", "null"],
)
def test_no_other_page_may(page: httpx.Client, world: World, origin: str) -> None:
    answer = page.options(SEND, headers=asks(origin))
    assert answer.status_code == 405
    assert not any(name.startswith("access-control") for name in answer.headers)
    called = page.post(SEND, json=ENVELOPE, headers=world.bearer() | {"origin": origin})
    assert not any(name.startswith("access-control") for name in called.headers)


def test_a_question_without_its_parts_reaches_no_service(page: httpx.Client, world: World) -> None:
    for headers in ({"origin": OURS}, {"access-control-request-method": "POST"}, {}):
        assert page.options(SEND, headers=headers | world.bearer()).status_code == 405
    assert not world.relay.seen
