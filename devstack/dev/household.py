"""Owns what happens in the home of an enrolled Hub: the owner's switches, the pairing of an app, and the two at work.

In the field the Hub does its half alone and the app its own. Here both halves are files on one machine: the Hub's
folder is its firmware's, and each persona's app session lies below it.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from devstack.dev import c_hub
from devstack.dev.firmware import Cloud
from devstack.dev.hub_kinds import firmware_in
from devstack.dev.simulated_hub import records
from devstack.dev.trust import trust
from devstack.identity.personas import PERSONAS
from devstack.identity.sign_in import sign_in
from devstack.state import Running
from hubsim import store
from hubsim.wire import Capability
from sdk.app_client import AppClient
from sdk.key_files import app_keys_from_json, app_keys_to_json, read_document, write_secret
from sdk.keys import new_app_keys

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator

    from devstack.dev.firmware import Firmware
    from devstack.identity.sign_in import Tokens
    from hubsim.records import RecordClient
    from sdk.keys import AppKeys

CAPABILITIES = tuple(each.name for each in Capability if each.name and each.value)


@dataclass(frozen=True, slots=True)
class Household:
    """One enrolled Hub of the local stack."""

    stack: Running
    folder: Path

    def __post_init__(self) -> None:
        if not (self.folder / store.SECRETS).exists() and not (self.folder / c_hub.STATE).exists():
            raise FileNotFoundError(2, "no Hub was enrolled here; `ora dev enrol-hub` does it", str(self.folder))

    def trust(self) -> ssl.SSLContext:
        """Return whom a client of this stack believes."""
        return trust(Path(self.stack.file("edge_ca")))

    @property
    def firmware(self) -> Firmware:
        """Who plays the Hub."""
        return firmware_in(self.folder)

    @property
    def cloud(self) -> Cloud:
        """Where the Hub finds the cloud."""
        host, _, port = self.stack.address("relay-1", "mqtt").rpartition(":")
        return Cloud(
            door=self.stack.address("gateway", "hub"),
            host=host,
            port=int(port),
            ca_file=Path(self.stack.file("edge_ca")),
        )

    @asynccontextmanager
    async def records(self) -> AsyncIterator[RecordClient]:
        """Speak to the cloud as the Hub; a simulated one alone lets others speak for it."""
        async with records(self.folder, self.cloud) as client:
            yield client

    async def consent(self, *, on: set[str], off: set[str]) -> dict[str, Any]:
        """Turn capabilities on and off by a record that the Hub's owner key signs; return what the cloud holds."""
        wanted = (self.firmware.capabilities(self.folder) | on) - off
        await self.firmware.owner_key(self.folder, self.cloud)
        return await self.firmware.consent(self.folder, self.cloud, sorted(wanted))

    def app_keys(self, persona: str) -> AppKeys | None:
        """Return the session of a persona's app, if it was paired."""
        path = self._app(persona)
        return read_document(path, app_keys_from_json) if path.exists() else None

    async def pair(self, persona: str) -> AppKeys:
        """Pair a persona's app with the Hub, as on the LAN, and let the Hub tell the cloud; again: nothing new."""
        keys = self.app_keys(persona)
        if keys is None:
            keys = new_app_keys(self.firmware.public(self.folder).sealing_public.suite)
            self._app(persona).parent.mkdir(exist_ok=True)
            write_secret(self._app(persona), app_keys_to_json(keys))
        who = PERSONAS[persona]
        issuer = self.stack.issuer(who.provider)
        await self.firmware.pair(self.folder, keys.public(), issuer=issuer, subject=who.subject)
        await self.firmware.owner_key(self.folder, self.cloud)
        await self.firmware.peers(self.folder, self.cloud)
        return keys

    @asynccontextmanager
    async def app(self, persona: str) -> AsyncIterator[AppClient]:
        """Speak to the Hub through the cloud, as the app of a persona that is paired on first use."""
        keys = self.app_keys(persona) or await self.pair(persona)
        tokens = self.tokens(persona)
        address = self.stack.address("gateway", "app")
        async with httpx.AsyncClient(base_url=address, verify=self.trust(), http2=True, trust_env=False) as http:
            public = self.firmware.public(self.folder)
            yield AppClient(http=http, hub=public, keys=keys, token=lambda: tokens.access_token)

    def tokens(self, persona: str) -> Tokens:
        """Sign in as a persona."""
        who = PERSONAS[persona]
        return sign_in(self.stack.issuer(who.provider), who)

    def _app(self, persona: str) -> Path:
        return self.folder / "apps" / f"{persona}.json"
