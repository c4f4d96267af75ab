"""Owns watching a stack: Prometheus with the rules that production has, and the page of the dashboards."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING, Final

import yaml

from devstack.home import ROOT, write_private
from devstack.ports import LOOPBACK
from devstack.running.component import Component, Job
from devstack.running.probes import Http

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from devstack.site import Site

RULES: Final = ROOT / "deploy" / "observability" / "rules"
PROMETHEUS: Final = "prometheus"
# Without it the traces beside the buckets of durations are read and thrown away.
EXEMPLARS: Final = "--enable-feature=exemplar-storage"


class NoPrometheusError(Exception):
    """The program is not installed."""


def configuration(targets: Mapping[str, Sequence[str]], rules: Path, *, every: str) -> str:
    """Return Prometheus' configuration: who is scraped, how often, and where the rules are."""
    scraped = [{"job_name": job, "static_configs": [{"targets": list(each)}]} for job, each in targets.items()]
    return yaml.safe_dump(
        {
            "global": {"scrape_interval": every, "evaluation_interval": every},
            "rule_files": [str(rules / "*.yaml")],
            "scrape_configs": scraped,
        },
        sort_keys=False,
    )


def targets(addresses: Mapping[str, Mapping[str, str]]) -> dict[str, list[str]]:
    """Return where the metrics of each component are read, one address for each of its processes."""
    read = {
        name: [address for use, address in uses.items() if use.partition(".")[0] == "metrics"]
        for name, uses in addresses.items()
    }
    return {name: found for name, found in read.items() if found}


def observers(site: Site, components: list[Component]) -> list[Job | Component]:
    """Return what watches these components.

    Raises:
        NoPrometheusError: with what to do about it.
    """
    program = shutil.which(PROMETHEUS)
    if program is None:
        raise NoPrometheusError("Prometheus is not installed. On Debian and Ubuntu: apt-get install prometheus")
    scraped = targets({each.name: each.addresses for each in components})
    file, data = site.home.run / "prometheus.yaml", site.home.path / "prometheus"
    address = f"http://{site.ports.address('prometheus')}"
    shown = f"http://{site.ports.address('dashboards')}"

    async def configure(say: Callable[[str], None]) -> None:
        write_private(file, configuration(scraped, RULES, every="2s"))
        say(f"wrote {file}, {len(scraped)} targets")

    options = (
        f"--config.file={file}",
        f"--storage.tsdb.path={data}",
        "--storage.tsdb.retention.time=2d",
        f"--web.listen-address={site.ports.address('prometheus')}",
        f"--web.cors.origin={shown}",
        "--log.level=warn",
        EXEMPLARS,
    )
    return [
        Job(name="prometheus-config", work=configure),
        Component(
            name=PROMETHEUS,
            argv=(program, *options),
            ready=Http(LOOPBACK, site.ports["prometheus"], "/-/ready"),
            after=("prometheus-config",),
            addresses={"http": address},
        ),
        Component(
            name="dashboards",
            argv=(sys.executable, "-m", "devstack.dashboards_page", str(site.ports["dashboards"]), address),
            ready=Http(LOOPBACK, site.ports["dashboards"], "/"),
            addresses={"http": shown},
        ),
    ]
