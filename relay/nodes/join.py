"""Owns how one worker is joined with the others: makes the parts, and answers what the node asks. Decides nothing."""

from __future__ import annotations

import asyncio
import secrets
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from ora.relay.v1.relay_node_service_pb2_grpc import add_RelayNodeServiceServicer_to_server

from mesh.certs import Certificates
from mesh.redis import open_redis
from relay.nodes.bridges import Bridges
from relay.nodes.courier import Courier
from relay.nodes.directory import Directory, DirectoryTimes, Place
from relay.nodes.keeper import Keeper
from relay.nodes.links import Links
from relay.nodes.local import LocalDoor, socket_of
from relay.nodes.service import RelayNodeService

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable

    from mesh.server import Server
    from mesh.tasks import Scope
    from relay.config import Config
    from relay.nodes.mailbox import Mailbox
    from relay.routing.client import Client
    from relay.routing.elsewhere import Parcel
    from relay.routing.node import Node
    from relay.routing.reasons import Fate
    from relay.routing.receivers import Receiver

_SWEEP_SECONDS: Final = 0.5


class Join:
    """The other workers, as this one reaches them."""

    def __init__(
        self,
        node: Node,
        directory: Directory,
        certificates: Certificates,
        mailbox: Mailbox | None = None,
        local_links: str = "",
        *,
        bridged: bool = False,
    ) -> None:
        self.mailbox = mailbox
        self.links = Links(certificates, directory.own.address, local_links)
        self.keeper = Keeper(node, directory, self._tell)
        self.bridges = Bridges(node, self.keeper)
        self.courier = Courier(node, directory, self.keeper, self.links, mailbox, bridged=bridged)
        self.service = RelayNodeService(node, self.keeper)
        node.elsewhere = self

    def _tell(self, address: str, hub_id: bytes, peer_id: bytes, epoch: int) -> Awaitable[None]:
        return self.links.to(address, self.courier).takeover(hub_id, peer_id, epoch)

    async def run(self) -> None:
        """Keep the directory true and the links swept, for ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.keeper.run())
            group.create_task(self._sweep())

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            self.links.sweep(time.monotonic())

    async def close(self) -> None:
        """Take back what is entered, and end every link."""
        await self.bridges.close()
        await self.keeper.close()
        await self.courier.close()
        if self.mailbox is not None:
            await self.mailbox.close()
        await self.links.close()

    # -- what the node asks --------------------------------------------------------------------------------------------

    def claim(self, client: Client) -> int | None:
        """Ask for a Hub's session."""
        return self.keeper.claim(client)

    def release(self, hub_id: bytes, epoch: int) -> None:
        """Give a Hub's session back."""
        self.keeper.release(hub_id, b"", epoch)

    def listening(self, hub_id: bytes) -> None:
        """Note that a Hub takes envelopes from now on."""
        if self.mailbox is not None:
            self.mailbox.empty(hub_id)

    def lead(self, client: Client, topic: bytes, hub_id: bytes) -> None:
        """Let the others know of a bridge that takes what a Hub sends up."""
        self.bridges.lead(client, topic, hub_id)

    def leave(self, client: Client, topic: bytes) -> None:
        """Let the others know that a bridge takes it no longer."""
        self.bridges.leave(client, topic)

    async def attach(self, receiver: Receiver) -> None:
        """Let the others know of an app session."""
        await self.keeper.attach(receiver)
        if self.mailbox is not None:
            self.mailbox.empty(receiver.hub_id, receiver.peer_id)

    def detach(self, receiver: Receiver) -> None:
        """Let the others know that an app session is gone."""
        self.keeper.release(receiver.hub_id, receiver.peer_id, receiver.epoch)

    def carry(self, parcel: Parcel) -> Fate | None:
        """Pass an envelope on to where its receiver is."""
        return self.courier.carry(parcel)

    async def connected(self, hub_id: bytes) -> bool:
        """Return whether another worker has the Hub."""
        return await self.courier.connected(hub_id)


@asynccontextmanager
async def joined(config: Config, node: Node, server: Server, scope: Scope) -> AsyncIterator[Join | None]:
    """Join the others if there is a directory; leave it when the block ends."""
    redis_config = config.nodes.redis()
    if redis_config is None:
        yield None
        return
    address = config.nodes.link_address or config.mesh.grpc_listen
    # A process that is started again is another holder of sessions than the one before.
    own = Place(f"{config.mesh.node_id}.{secrets.token_hex(8)}", address, 0)
    async with open_redis(redis_config) as redis:
        certificates = Certificates(config.mesh.cert_dir, "relay")
        mailbox = config.nodes.mailbox.made(node, redis)
        local = config.nodes.local_links
        directory = Directory(redis, own, DirectoryTimes())
        join = Join(node, directory, certificates, mailbox, local, bridged=bool(config.bridge_listen))
        server.add(add_RelayNodeServiceServicer_to_server, join.service)
        door = LocalDoor(socket_of(local, address), join.service) if local else None
        if door is not None:
            await door.open()
        task = scope.start("joining the nodes", join.run())
        try:
            yield join
        finally:
            task.cancel()
            if door is not None:
                door.close()
            await join.close()
