"""The cluster is told exactly what the contracts and the services' settings say."""

from __future__ import annotations

import dataclasses
from importlib import import_module
from typing import TYPE_CHECKING, Any, get_type_hints

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from ora.options.v1.options_pb2 import policy

from gateway import values_file
from gateway.contract import DESCRIPTORS
from mesh.config import load
from tests.unit.deploy.cluster import NAME, SERVICES, Cluster

if TYPE_CHECKING:
    from pathlib import Path

PACKAGES = {"relay": "relay", **{each: f"{each}_svc" for each in ("portal", "fleet", "ingest", "backup")}}
SECRETS = {
    "ORA_DATABASE_URL": "postgresql://service@database/ora",
    "ORA_REDIS_URL": "rediss://services@redis:6379",
    "ORA_PORTAL_SECRET": "ab" * 32,
    "ORA_PAGE_KEYS": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
}


def call_graph() -> dict[str, set[str]]:
    """Return the callers of each workload, by the contracts' policies; the service of area `ora.x.v1` is x."""
    found: dict[str, set[str]] = {}
    for file in FileDescriptorSet.FromString(DESCRIPTORS.read_bytes()).file:
        for method in (each for service in file.service for each in service.method):
            found.setdefault(file.package.split(".")[1], set()).update(method.options.Extensions[policy].callers)
    return found


def names_of(cls: type) -> set[str]:
    found = set()
    for each in dataclasses.fields(cls):
        kind = get_type_hints(cls)[each.name]
        if "ora.env" in each.metadata:
            found.add(each.metadata["ora.env"])
        elif dataclasses.is_dataclass(kind):
            found |= names_of(kind)  # type: ignore[arg-type]
    return found


def config_of(service: str) -> type:
    made: type = import_module(f"{PACKAGES[service]}.config").Config
    return made


def test_network_policies_are_the_call_graph(cluster: Cluster) -> None:
    graph = call_graph()
    assert cluster.allowed() == graph
    reverse: dict[str, set[str]] = {}
    for callee, callers in graph.items():
        for caller in callers:
            reverse.setdefault(caller, set()).add(callee)
    assert cluster.may_call() == reverse


def test_nothing_is_allowed_that_is_not_written(cluster: Cluster) -> None:
    everything = cluster.of("NetworkPolicy")["deny-all"]["spec"]
    assert everything == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


@pytest.mark.parametrize("service", sorted(PACKAGES))
def test_every_setting_is_known_and_none_is_missing(cluster: Cluster, service: str, tmp_path: Path) -> None:
    environment = {name: value for name, value in cluster.environment(service).items() if name.startswith("ORA_")}
    known = names_of(config_of(service)) | names_of(common())
    assert {each.removesuffix("_FILE") for each in environment} <= known
    for name in [each for each in environment if each.endswith("_FILE")]:
        secret = tmp_path / name
        secret.write_text(SECRETS[name.removesuffix("_FILE")])
        environment[name] = str(secret)
    config: Any = load(config_of(service), environment)
    assert config.mesh.environment.value in {"staging", "production"}
    assert not config.mesh.log_exception_text


def common() -> type:
    """What the one map of settings holds for all may be of use to some alone."""
    return config_of("portal")


@pytest.mark.parametrize("service", sorted(PACKAGES))
def test_ports_are_those_that_are_listened_on(cluster: Cluster, service: str) -> None:
    environment, ports = cluster.environment(service), cluster.ports(service)
    assert environment["ORA_GRPC_LISTEN"].endswith(f":{ports['grpc']}")
    assert environment["ORA_METRICS_LISTEN"].endswith(f":{ports['metrics']}")
    if service == "relay":
        assert environment["ORA_MQTT_LISTEN"].endswith(f":{ports['mqtt']}")
    assert {each["port"] for each in cluster.of("Service")[service]["spec"]["ports"]} == {ports["grpc"]}


def test_the_gateway_is_rendered_from_its_values(cluster: Cluster, tmp_path: Path) -> None:
    held = next(each for name, each in cluster.of("ConfigMap").items() if name.startswith("gateway-values"))
    text = held["data"]["gateway.json"]
    (tmp_path / "gateway.json").write_text(text)
    values = values_file.parse(with_keys(text))
    assert {each.host.partition(".")[0] for name in values.targets for each in values.targets[name]} == set(PACKAGES)
    listened = {name: getattr(values.listen, name).port for name in ("app", "hub", "backup", "metrics")}
    assert cluster.ports("gateway") == listened
    assert values.listen.admin.is_loopback


def with_keys(text: str) -> dict[str, Any]:
    """Say where the issuers' keys are, which the gateway asks them itself."""
    import json  # noqa: PLC0415

    data: dict[str, Any] = json.loads(text)
    return data | {"issuers": [each | {"jwks_uri": f"{each['issuer']}/keys"} for each in data["issuers"]]}


@pytest.mark.parametrize("service", SERVICES)
def test_each_pod_has_its_own_identity_and_no_more_rights_than_it_needs(cluster: Cluster, service: str) -> None:
    pod = cluster.of("Deployment")[service]["spec"]["template"]["spec"]
    assert pod["serviceAccountName"] == service
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    for each in (*pod["containers"], *pod.get("initContainers", ())):
        assert each["securityContext"]["readOnlyRootFilesystem"] is True
        assert each["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert each["securityContext"]["allowPrivilegeEscalation"] is False
    certificate = cluster.of("Certificate")[f"mesh-{service}"]["spec"]
    assert certificate["uris"] == [f"spiffe://ora/{service}"]
    assert certificate["dnsNames"] == [service]
    mounted = [
        source["secret"]["name"]
        for volume in pod["volumes"]
        if volume["name"] == "identity"
        for source in volume["projected"]["sources"]
        if "secret" in source
    ]
    assert [each for each in mounted if each.startswith("mesh-")] == [f"mesh-{service}"]


@pytest.mark.parametrize("service", sorted(PACKAGES))
def test_a_pod_lives_as_long_as_its_drain(cluster: Cluster, service: str) -> None:
    pod = cluster.of("Deployment")[service]["spec"]["template"]["spec"]
    pause = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    drain = float(cluster.environment(service)["ORA_DRAIN_SECONDS"])
    assert pod["terminationGracePeriodSeconds"] > pause + drain


@pytest.mark.parametrize("service", SERVICES)
def test_each_grows_shrinks_and_survives_a_node(cluster: Cluster, service: str) -> None:
    assert cluster.of("HorizontalPodAutoscaler")[service]["spec"]["scaleTargetRef"]["name"] == service
    budget = cluster.of("PodDisruptionBudget")[service]["spec"]
    assert budget["selector"]["matchLabels"] == {NAME: service}
    assert "replicas" not in cluster.of("Deployment")[service]["spec"]
