"""Owns the whole of Envoy's configuration: contract and values in, YAML out.

`python -m gateway.render --values FILE.json --out envoy.yaml` writes it for a running gateway, with the files of its
secrets in `envoy.secrets/` beside it.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Final

import yaml

from gateway import clusters, secrets, values_file, watching
from gateway.contract import DESCRIPTORS, Contract, Door, load
from gateway.listeners import listener
from gateway.node import Node, extension, socket
from gateway.routes import served
from gateway.values import GatewayValues, ValuesError

_MONITORS: Final = "envoy.resource_monitors."
_RUNTIME: Final[Node] = {
    # Rapid reset: a connection whose streams are mostly reset young is closed.
    "overload.premature_reset_total_stream_count": 200,
    "overload.premature_reset_min_stream_lifetime_seconds": 1,
    # One connection's burst of requests does not hold up the others of its worker.
    "http.max_requests_per_io_cycle": 4,
    # The longest of our regular expressions, over paths and queries, is far below this; all are made by the generator.
    "re2.max_program_size.error_level": 2000,
}


class _Dumper(yaml.SafeDumper):
    """Writes no aliases, and a script as a block."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 # the base class has it
        return True


def _string(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _string)


def write(values: GatewayValues, out: Path) -> None:
    """Write the configuration to ``out``, and the files of its secrets beside it."""
    folder = out.absolute().with_suffix(".secrets")
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in secrets.files(values.certificates).items():
        secrets.path(folder, name).write_text(_yaml(content))
    out.write_text(render(values, folder))


def render(values: GatewayValues, folder: Path) -> str:
    """Return the configuration as YAML; ``folder`` is where the files of its secrets are."""
    return _yaml(bootstrap(values, folder, load()))


def _yaml(node: Node) -> str:
    return yaml.dump(node, Dumper=_Dumper, sort_keys=False)


def bootstrap(values: GatewayValues, folder: Path, contract: Contract, descriptors: Path = DESCRIPTORS) -> Node:
    """Return the configuration as plain objects; ``descriptors`` is the file that Envoy reads when it starts."""
    addresses = {Door.APP: values.listen.app, Door.HUB: values.listen.hub, Door.BACKUP: values.listen.backup}
    listeners = [
        listener(contract, values, which, address, folder, descriptors)
        for which, address in addresses.items()
        if address is not None and served(contract, values, which)
    ]
    watched = values.listen.metrics
    watchers = [] if watched is None else [clusters.admin(values.listen.admin)]
    listeners += [] if watched is None else [watching.listener(watched)]
    services = [clusters.service(folder, name, each) for name, each in sorted(values.targets.items())]
    return {
        "node": {"id": values.node, "cluster": "gateway"},
        "admin": {"address": socket(values.listen.admin)},
        "overload_manager": _overload(values),
        "layered_runtime": {"layers": [{"name": "static", "static_layer": _RUNTIME}]},
        "static_resources": {
            "listeners": listeners,
            "clusters": [*services, *(clusters.issuer(each) for each in values.issuers), *watchers],
        },
    }


def _overload(values: GatewayValues) -> Node:
    heap = extension(
        _MONITORS + "fixed_heap",
        "envoy.extensions.resource_monitors.fixed_heap.v3.FixedHeapConfig",
        max_heap_size_bytes=values.limits.heap_bytes,
    )
    connections = extension(
        _MONITORS + "global_downstream_max_connections",
        "envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
        max_active_downstream_connections=values.limits.connections,
    )
    steps = {"shrink_heap": 0.85, "disable_http_keepalive": 0.9, "stop_accepting_requests": 0.95}
    actions: list[Node] = [
        {
            "name": f"envoy.overload_actions.{name}",
            "triggers": [{"name": _MONITORS + "fixed_heap", "threshold": {"value": share}}],
        }
        for name, share in steps.items()
    ]
    return {"refresh_interval": "0.25s", "resource_monitors": [heap, connections], "actions": actions}


def main() -> int:
    """Write the configuration that the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m gateway.render", description=__doc__)
    parser.add_argument(
        "--values",
        type=Path,
        required=True,
        help="JSON file; its keys are the fields of GatewayValues, `jwks_uri` may be left to discovery",
    )
    parser.add_argument("--out", type=Path, required=True, help="where to write envoy.yaml")
    arguments = parser.parse_args()
    try:
        write(values_file.read(arguments.values), arguments.out)
    except ValuesError as error:
        for problem in error.problems:
            sys.stderr.write(f"{arguments.values}: {problem}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
