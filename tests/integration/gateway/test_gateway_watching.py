"""Who watches the gateway gets metrics and readiness, and nothing else of the admin's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

if TYPE_CHECKING:
    from tests.integration.gateway.conftest import World


@pytest.mark.parametrize("path", ["/readyz", "/livez"])
def test_probes_are_answered(world: World, path: str) -> None:
    assert httpx.get(world.gateway.metrics + path, timeout=10).status_code == 200


def test_metrics_are_those_of_envoy(world: World) -> None:
    with world.app() as app:
        app.get("/v1/nothing")
    answer = httpx.get(world.gateway.metrics + "/metrics", timeout=10)
    assert answer.status_code == 200
    assert "envoy_http_downstream_rq_xx" in answer.text


@pytest.mark.parametrize("path", ["/", "/stats", "/config_dump", "/quitquitquit", "/metrics/", "/certs", "/ready"])
def test_the_admin_is_not_behind_it(world: World, path: str) -> None:
    assert httpx.get(world.gateway.metrics + path, timeout=10).status_code == 404
    assert httpx.post(world.gateway.metrics + path, timeout=10).status_code == 404


def test_nothing_is_changed_through_it(world: World) -> None:
    assert httpx.post(world.gateway.metrics + "/metrics", timeout=10).status_code == 404
