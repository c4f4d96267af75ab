"""Owns the enrolment of a Hub on the local stack: what the factory and the first start do in the field."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from devstack.ca import DevelopmentCa
from devstack.dev import hubs
from devstack.dev.simulated_hub import SimulatedHub
from devstack.home import Home

if TYPE_CHECKING:
    from devstack.dev.firmware import Firmware, Shown
    from devstack.state import Running


async def enrol_new(stack: Running, hub_id: str, folder: Path, by: Firmware | None = None) -> dict[str, str]:
    """Make a factory-fresh Hub in ``folder``, certify and register it; return its files by use. Default: hubsim's.

    Raises:
        FileExistsError: the folder is there already.
    """
    if folder.name != hub_id:
        folder = folder / hub_id
    shown = await (by or SimulatedHub()).create(folder, hub_id)
    try:
        files = await enrol_shown(stack, hub_id, shown, folder)
    except BaseException:
        shutil.rmtree(folder)  # a Hub that the registry does not know is of no use, and in the way of the next attempt
        raise
    return {**files, "key": str(folder / "tls.key")}


async def enrol_shown(stack: Running, hub_id: str, shown: Shown, folder: Path) -> dict[str, str]:
    """Certify and register a Hub by what it shows; return its files by use."""
    certificate = _certify(stack, hub_id, shown.request, folder)
    await hubs.register(stack, hub_id, shown.identity_public)
    return {
        "folder": str(folder),
        "certificate": str(certificate),
        "server_ca": stack.file("edge_ca"),
        "mqtt": stack.address("relay-1", "mqtt") if "relay-1" in stack.data["components"] else "",
        "https": stack.address("gateway", "hub"),
    }


def _certify(stack: Running, hub_id: str, request: bytes, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    certificate = folder / "tls.crt"
    authority = DevelopmentCa(Home(Path(stack.data["home"])))
    certificate.write_bytes(authority.sign_hub_request(hub_id, request))
    return certificate
