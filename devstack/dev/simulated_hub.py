"""Owns hubsim as a Hub's firmware: the simulator runs in this process."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import httpx

from devstack.dev.firmware import Shown
from devstack.dev.trust import trust
from hubsim import store
from hubsim.handover import HubHandover
from hubsim.hub import Hub, HubConfig, answer_ping
from hubsim.records import RecordClient
from hubsim.wire import Capability

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from devstack.dev.firmware import Cloud, OnEvent, Patience
    from sdk.keys import AppPublic, HubPublic

_PATIENCE = 20.0


class SimulatedHub:
    """A Hub played by hubsim."""

    async def create(self, folder: Path, hub_id: str) -> Shown:
        """Make a factory-fresh Hub."""
        store.create(folder.parent, hub_id)
        return Shown(
            request=(folder / "tls.csr").read_bytes(), identity_public=store.load(folder).keys.identity.public()
        )

    def public(self, folder: Path) -> HubPublic:
        """Return what it shows at pairing."""
        return store.load(folder).keys.public()

    def capabilities(self, folder: Path) -> set[str]:
        """Name what its owner has turned on."""
        return {name for each in store.load(folder).capabilities if (name := Capability(each).name)}

    async def owner_key(self, folder: Path, cloud: Cloud) -> None:
        """Let it announce its owner key."""
        async with records(folder, cloud) as client:
            await client.owner_key()

    async def consent(self, folder: Path, cloud: Cloud, capabilities: list[str]) -> dict[str, Any]:
        """Let it state all that the cloud may do."""
        async with records(folder, cloud) as client:
            return await client.consent([Capability[each] for each in capabilities])

    async def pair(self, folder: Path, app: AppPublic, *, issuer: str, subject: str) -> None:
        """Pair an app session."""
        store.save(folder, store.pair(store.load(folder), app, issuer=issuer, subject=subject))

    async def peers(self, folder: Path, cloud: Cloud) -> None:
        """Let it state who may talk to it."""
        async with records(folder, cloud) as client:
            await client.peers()

    def handing(self, folder: Path, root_public: bytes) -> HubHandover:
        """Return its part in a handover."""
        return HubHandover(folder, root_public)

    @asynccontextmanager
    async def run(self, folder: Path, cloud: Cloud, on_event: OnEvent, patience: Patience) -> AsyncIterator[None]:
        """Run it while the block lasts."""
        config = HubConfig(
            folder=folder,
            mqtt_host=cloud.host,
            mqtt_port=cloud.port,
            ca_file=cloud.ca_file,
            backoff_base_s=patience.base_s,
            backoff_cap_s=patience.cap_s,
        )
        running = asyncio.create_task(Hub(config, answer_ping, on_event=on_event).run())
        try:
            yield
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running


@asynccontextmanager
async def records(folder: Path, cloud: Cloud) -> AsyncIterator[RecordClient]:
    """Speak to the Hub listener as a simulated Hub."""
    context = trust(cloud.ca_file)
    context.load_cert_chain(folder / "tls.crt", folder / "tls.key")
    async with httpx.AsyncClient(base_url=cloud.door, verify=context, timeout=_PATIENCE, trust_env=False) as http:
        yield RecordClient(http, folder)
