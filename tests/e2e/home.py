"""One home as the outside sees it: a simulated Hub, its owner's app, and what has happened so far."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx

from devstack.dev import enrolment
from hubsim import store
from hubsim.hub import Hub, HubConfig, accept_at_once, answer_ping
from hubsim.link import MqttVersion
from hubsim.records import RecordClient
from hubsim.wire import Capability
from sdk.app_client import AppClient, Attached
from sdk.keys import AppKeys, new_app_keys
from tests.stack import Stack

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from hubsim.hub import Accept, OnPayload
    from sdk.envelope import Opened

SECONDS = 20.0


@dataclass
class Home:
    """A Hub's folder, the app that is (or will be) paired with it, and clients for both."""

    stack: Stack
    folder: Path
    records: RecordClient
    http: httpx.AsyncClient
    persona: str = "homer"
    keys: AppKeys = field(default_factory=new_app_keys)
    events: list[Mapping[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._token = self.stack.tokens(self.persona)
        self._news = asyncio.Event()

    @property
    def hub(self) -> str:
        return self.folder.name

    @property
    def token(self) -> str:
        return self._token.access_token

    @property
    def app(self) -> AppClient:
        public = store.load(self.folder).keys.public()
        return AppClient(http=self.http, hub=public, keys=self.keys, token=lambda: self.token)

    async def pair(self, keys: AppKeys) -> None:
        """Pair an app session of this home's person, and tell the cloud."""
        claims = self._token.claims
        paired = store.pair(
            store.load(self.folder), keys.public(), issuer=str(claims["iss"]), subject=str(claims["sub"])
        )
        store.save(self.folder, paired)
        await self.records.peers()

    async def open_to_the_cloud(self) -> None:
        """Do what the owner does on the first evening: turn RELAY on and pair the app."""
        await self.records.owner_key()
        await self.records.consent([Capability.RELAY])
        await self.pair(self.keys)

    def config(self, version: MqttVersion = MqttVersion.V5_0, relay: str = "relay-1") -> HubConfig:
        address = urlsplit(f"//{self.stack.address(relay, 'mqtt').removeprefix('mqtts://')}")
        assert address.hostname is not None
        assert address.port is not None
        return HubConfig(
            folder=self.folder,
            mqtt_host=address.hostname,
            mqtt_port=address.port,
            ca_file=Path(self.stack.file("edge_ca")),
            version=version,
            backoff_base_s=0.05,
            backoff_cap_s=0.5,
        )

    def _note(self, event: Mapping[str, Any]) -> None:
        self.events.append(event)
        self._news.set()

    async def happened(
        self, name: str, more: Callable[[Mapping[str, Any]], bool] = lambda _: True
    ) -> Mapping[str, Any]:
        """Wait for an event of the Hub, from the beginning of the test."""
        async with asyncio.timeout(SECONDS):
            while True:
                for event in self.events:
                    if event["event"] == name and more(event):
                        return event
                self._news.clear()
                await self._news.wait()

    @asynccontextmanager
    async def hub_on_line(
        self,
        version: MqttVersion = MqttVersion.V5_0,
        *,
        on_payload: OnPayload = answer_ping,
        accept: Accept = accept_at_once,
        connected: bool = True,
    ) -> AsyncIterator[Hub]:
        """Run the Hub; by default wait until it is connected."""
        hub = Hub(self.config(version), on_payload, on_event=self._note, accept=accept)
        running = asyncio.create_task(hub.run())
        try:
            if connected:
                await self.happened("connected")
            yield hub
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running


@asynccontextmanager
async def new_home(stack: Stack, folder: Path) -> AsyncIterator[Home]:
    """Enrol a new Hub."""
    hub = str(uuid.uuid4())
    await enrolment.enrol_new(stack.running, hub, folder / hub)
    async with stack.hub(folder / hub) as hub_http, stack.app() as app_http:
        yield Home(stack=stack, folder=folder / hub, records=RecordClient(hub_http, folder / hub), http=app_http)


@asynccontextmanager
async def listening(app: AppClient) -> AsyncIterator[asyncio.Queue[Opened]]:
    """Attach an app's stream; give what it opens in a queue."""
    opened: asyncio.Queue[Opened] = asyncio.Queue()
    attached = asyncio.Event()

    async def read() -> None:
        async for event in app.receive():
            if isinstance(event, Attached):
                attached.set()
            else:
                opened.put_nowait(event)

    reading = asyncio.create_task(read())
    try:
        async with asyncio.timeout(SECONDS):
            done, _ = await asyncio.wait(
                {reading, waiting := asyncio.create_task(attached.wait())}, return_when=asyncio.FIRST_COMPLETED
            )
            waiting.cancel()
            if reading in done:
                reading.result()
        yield opened
    finally:
        reading.cancel()
        with suppress(asyncio.CancelledError):
            await reading
