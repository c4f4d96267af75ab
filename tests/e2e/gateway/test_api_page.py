"""The page of a development stack on which the REST API is read and tried: whole, and from nowhere else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import httpx
from openapi_spec_validator import validate

from tests.integration.gateway.fuzzing import operations

if TYPE_CHECKING:
    from tests.stack import Stack


def page(stack: Stack) -> httpx.Client:
    return httpx.Client(base_url=stack.address("api-page", "http"), trust_env=False)


def test_the_page_and_all_that_it_loads_are_there(stack: Stack) -> None:
    with page(stack) as client:
        html = client.get("/")
        assert html.headers["content-type"].startswith("text/html")
        loaded = re.findall(r'(?:src|href)="([^"]+)"', html.text)
        assert len(loaded) == 3
        for path in loaded:
            assert path.startswith("/")
            assert client.get(path).status_code == 200
        policy = html.headers["content-security-policy"]
        assert f"connect-src 'self' {stack.address('gateway', 'app')};" in policy
        assert client.get("/../secrets.json").status_code == 404


def test_its_document_is_valid_and_of_this_stack(stack: Stack) -> None:
    with page(stack) as client:
        document = client.get("/openapi.json").json()
    validate(document)
    assert document["servers"] == [{"url": stack.address("gateway", "app")}]
    ids = {each["operationId"] for methods in document["paths"].values() for each in methods.values()}
    assert set(operations("app")) <= ids


async def test_what_is_tried_on_the_page_reaches_the_gateway(stack: Stack) -> None:
    origin = stack.address("api-page", "http")
    asks = {"access-control-request-method": "POST", "access-control-request-headers": "authorization,content-type"}
    async with stack.app() as app:
        own = await app.options("/v1/hubs/x/envelopes", headers={"origin": origin, **asks})
        other = await app.options("/v1/hubs/x/envelopes", headers={"origin": "http://evil.test", **asks})
    assert own.status_code == 200
    assert own.headers["access-control-allow-origin"] == origin
    assert "access-control-allow-origin" not in other.headers
