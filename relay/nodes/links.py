"""Owns the links of this node, one to each address; opens them when they are needed. Knows no envelope."""

from __future__ import annotations

import time
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Final

from ora.relay.v1.relay_node_service_pb2_grpc import RelayNodeServiceStub

from mesh import log, names
from mesh.channel import Channel
from relay.nodes.chores import Chores
from relay.nodes.link import Link
from relay.nodes.local import LocalStub, socket_of

if TYPE_CHECKING:
    from mesh.certs import Certificates
    from relay.nodes.link import Moved

_LOG: Final = log.get(__name__)
# Before gRPC ends the connection by its age.
_RETIRE_SECONDS: Final = 1800.0
_WORKLOAD: Final = "relay"


class Links:
    """All links of this node."""

    def __init__(self, certificates: Certificates, own: str = "", local_folder: str = "") -> None:
        self._certificates = certificates
        self._host = own.rpartition(":")[0]
        self._local_folder = local_folder
        self._links: dict[str, Link] = {}
        self._retiring: set[Link] = set()
        self._chores = Chores()

    def __len__(self) -> int:
        return len(self._links)

    def count(self, *, local: bool) -> int:
        """Return how many links there are to workers of this host, or to other hosts."""
        return sum(link.local is local for link in self._links.values())

    @property
    def under_way(self) -> int:
        """How many envelopes wait on them, or for their fate."""
        return sum(map(len, self._links.values()))

    def to(self, address: str, courier: Moved) -> Link:
        """Return the link to an address, opened if need be."""
        link = self._links.get(address)
        if link is not None and not link.closed and time.monotonic() - link.opened_at > _RETIRE_SECONDS:
            link.retire()
            self._retiring.add(link)
            link = None
        if link is None or link.closed:
            link = self._links[address] = self._open(address, courier)
        return link

    def _open(self, address: str, courier: Moved) -> Link:
        stack = AsyncExitStack()
        if self._local_folder and address.rpartition(":")[0] == self._host:
            path = socket_of(self._local_folder, address)
            if path.exists():
                link = Link(address, LocalStub(path), courier, local=True)
                self._chores.start(self._run(link, stack))
                return link
        channel = Channel(_WORKLOAD, [address], self._certificates)
        stack.push_async_callback(channel.close)
        link = Link(address, RelayNodeServiceStub(channel), courier)
        self._chores.start(self._run(link, stack))
        return link

    async def _run(self, link: Link, around: AsyncExitStack) -> None:
        async with around:
            await link.run()
        self._retiring.discard(link)
        if self._links.get(link.address) is link:
            del self._links[link.address]
        _LOG.info("a link to another node has ended", **{names.ADDRESS: link.address})

    def sweep(self, now: float) -> None:
        """Let nothing wait longer than it lives."""
        for link in (*self._links.values(), *self._retiring):
            link.sweep(now)

    async def close(self) -> None:
        """End all of them; what is on them has a fate then."""
        await self._chores.close()
