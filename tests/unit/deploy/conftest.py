from __future__ import annotations

import pytest

from deploy.tools import environment
from tests.unit.deploy.cluster import Cluster


@pytest.fixture(scope="session", params=["dev", "staging", "prod-sydney"])
def cluster(request: pytest.FixtureRequest) -> Cluster:
    environment.make()
    return Cluster.render(request.param)
