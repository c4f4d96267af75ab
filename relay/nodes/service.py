"""Owns RelayNodeService: takes what other nodes forward, and tells them what became of it. Opens no envelope."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final

from ora.relay.v1 import relay_node_service_pb2 as pb
from ora.relay.v1 import relay_node_service_pb2_grpc as rpc
from ora.relay.v1 import relay_service_pb2

from relay.nodes.arrival import arrive
from relay.routing.elsewhere import Way
from relay.routing.receivers import BRIDGE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from relay.nodes.keeper import Keeper
    from relay.routing.node import Node
    from relay.routing.reasons import Fate

_BATCH: Final = 1024
# Forwards without a fate, and fates that the caller has not read.
_UNDER_WAY: Final = 16_384
_OUTCOMES: Final = {name.removeprefix("OUTCOME_"): number for name, number in relay_service_pb2.Outcome.items()}
_REASONS: Final = {
    name.removeprefix("REFUSAL_REASON_"): number for name, number in relay_service_pb2.RefusalReason.items()
}


class RelayNodeService(rpc.RelayNodeServiceServicer):
    """The end of other nodes' links."""

    def __init__(self, node: Node, keeper: Keeper) -> None:
        self._node = node
        self._keeper = keeper
        self._ends: set[LinkEnd] = set()

    async def Link(  # noqa: N802 - the contract's name
        self, request_iterator: AsyncIterator[pb.LinkRequest], context: Any
    ) -> AsyncIterator[pb.LinkResponse]:
        """Take forwards and answer each with its fate."""
        del context
        end = LinkEnd(self._node, self._keeper)
        self._ends.add(end)
        try:
            async for response in end.run(request_iterator):
                yield response
        finally:
            self._ends.discard(end)

    def end_streams(self) -> None:
        """End every link once what is on it has a fate."""
        for end in self._ends:
            end.finish()


class LinkEnd:
    """One link, at the node that is forwarded to. It is the origin of what it forwards."""

    def __init__(self, node: Node, keeper: Keeper) -> None:
        self._node = node
        self._keeper = keeper
        self._fates: list[pb.Fate] = []
        self._under_way: set[int] = set()
        self._woken = asyncio.Event()
        self._room = asyncio.Event()
        self._finishing = False

    async def run(self, requests: AsyncIterator[pb.LinkRequest]) -> AsyncIterator[pb.LinkResponse]:
        """Say that we are here, then tell fates until one side ends it."""
        yield pb.LinkResponse()
        reader = asyncio.get_running_loop().create_task(self._read(requests))
        reader.add_done_callback(lambda _: self._woken.set())
        try:
            while True:
                self._woken.clear()
                while self._fates:
                    batch, self._fates = self._fates[:_BATCH], self._fates[_BATCH:]
                    yield pb.LinkResponse(fates=batch)
                    self._room.set()
                if reader.done():
                    reader.result()
                    if not self._under_way:
                        return
                if self._finishing and not self._under_way:
                    return
                await self._woken.wait()
        finally:
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)

    def finish(self) -> None:
        """End when everything has its fate."""
        self._finishing = True
        self._woken.set()

    async def _read(self, requests: AsyncIterator[pb.LinkRequest]) -> None:
        async for request in requests:
            self._node.now, self._node.wall = time.monotonic(), time.time()
            for each in request.takeovers:
                self._keeper.taken_over(each.hub_id, each.peer_id, each.fencing_epoch)
                self._tell(pb.Fate(forward_id=each.forward_id, outcome=relay_service_pb2.OUTCOME_DELIVERED))
            for forward in request.forwards:
                self._take(forward)
            while len(self._under_way) + len(self._fates) >= _UNDER_WAY:
                self._room.clear()
                await self._room.wait()

    def _take(self, forward: pb.Forward) -> None:
        if self._elsewhere(forward):
            self._tell(pb.Fate(forward_id=forward.forward_id, moved=True))
            return
        self._under_way.add(forward.forward_id)
        way = Way.DOWN if forward.direction == pb.DIRECTION_DOWN else Way.UP
        node, number = self._node, forward.forward_id
        fate = arrive(node, way, forward.hub_id, forward.envelope, forward.remaining_ms, self, number)
        if fate is not None:
            self.settle(forward.forward_id, fate)

    def _elsewhere(self, forward: pb.Forward) -> bool:
        if forward.direction == pb.DIRECTION_DOWN:
            client = self._node.hubs.get(forward.hub_id)
            return client is None or client.epoch != forward.fencing_epoch
        receivers = self._node.receivers
        receiver = receivers.find(forward.hub_id, forward.peer_id) or receivers.find(forward.hub_id, BRIDGE)
        # An app session that is attaching is found by others before its node has heard its epoch.
        return receiver is None or receiver.epoch not in (0, forward.fencing_epoch)

    def settle(self, token: int, fate: Fate) -> None:
        """Take the fate of one forward."""
        if token in self._under_way:
            self._under_way.discard(token)
            self._tell(
                pb.Fate(
                    forward_id=token,
                    outcome=_OUTCOMES[fate.outcome],
                    reason=_REASONS[fate.refusal or "UNSPECIFIED"],
                )
            )

    def _tell(self, fate: pb.Fate) -> None:
        self._fates.append(fate)
        self._woken.set()
