"""Owns RelayOperationsService: what operators may see of a node. There is no way here to a payload."""

from __future__ import annotations

import asyncio
import base64
import binascii
import resource
import time
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from ora.relay.v1 import relay_operations_service_pb2 as pb
from ora.relay.v1 import relay_operations_service_pb2_grpc as rpc

from mesh.errors import InvalidArgumentError
from relay.api.names import hub_id_of, hub_name

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from relay.io.shell import Shell
    from relay.routing.client import Client
    from relay.routing.node import Node
    from relay.routing.traces import Step

_PAGE: Final = 100
_MOST_STEPS: Final = 64
_PERIOD_MS: Final = 1000
_STATM: Final = Path("/proc/self/statm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the process around the node does and knows."""

    # Begins a drain over so many seconds (None: as configured); returns how many sessions there are.
    drain: Callable[[float | None], int]
    directory_available: Callable[[], bool]


class RelayOperationsService(rpc.RelayOperationsServiceServicer):
    """A node, to look at."""

    def __init__(self, node: Node, shell: Shell, *, name: str, surroundings: Surroundings) -> None:
        self._node = node
        self._shell = shell
        self._name = name
        self._around = surroundings

    async def ListSessions(self, request: pb.ListSessionsRequest, context: Any) -> pb.ListSessionsResponse:
        """List live sessions by Hub id."""
        del context
        if request.hub:
            client = self._node.hubs.get(hub_id_of(request.hub))
            return pb.ListSessionsResponse(sessions=[self._session(client)] if client is not None else [])
        hubs = sorted(self._node.hubs)
        first = bisect_right(hubs, _cursor(request.page_token)) if request.page_token else 0
        page = hubs[first : first + (request.page_size or _PAGE)]
        more = first + len(page) < len(hubs)
        return pb.ListSessionsResponse(
            sessions=[self._session(self._node.hubs[hub_id]) for hub_id in page],
            next_page_token=base64.urlsafe_b64encode(page[-1]).decode() if more else "",
        )

    async def TraceEnvelope(self, request: pb.TraceEnvelopeRequest, context: Any) -> pb.TraceEnvelopeResponse:
        """Tell what this node knows of one envelope."""
        del context
        steps = self._node.traces.of(request.message_id)[-_MOST_STEPS:]
        return pb.TraceEnvelopeResponse(steps=[self._step(step) for step in steps])

    async def WatchNode(self, request: pb.WatchNodeRequest, context: Any) -> AsyncIterator[pb.NodeStatus]:
        """Stream the node's counters."""
        del context
        while True:
            yield self._status()
            await asyncio.sleep((request.period_ms or _PERIOD_MS) / 1000)

    async def DrainNode(self, request: pb.DrainNodeRequest, context: Any) -> pb.DrainNodeResponse:
        """Begin to send the Hubs away; the process goes on, and takes nobody new."""
        del context
        spread = request.spread.ToTimedelta().total_seconds() if request.HasField("spread") else None
        return pb.DrainNodeResponse(sessions=self._around.drain(spread))

    def _session(self, client: Client) -> pb.Session:
        session = client.session
        connected_for = Duration()
        connected_for.FromNanoseconds(int(max(time.monotonic() - client.connected_at, 0.0) * 1e9))
        hub_id = client.hub_id or b""
        return pb.Session(
            hub=hub_name(hub_id),
            fencing_epoch=client.epoch,
            protocol_level=client.version,
            connected_for=connected_for,
            envelopes_down=client.down,
            envelopes_up=client.up,
            queued_bytes=client.unsent + client.output_bytes + (session.queued if session is not None else 0),
            in_flight=len(session.flights) if session is not None else 0,
            receivers=self._node.receivers.apps(hub_id),
        )

    def _step(self, step: Step) -> pb.TraceStep:
        at = Timestamp()
        at.FromNanoseconds(int(step.at * 1e9))
        return pb.TraceStep(
            time=at,
            event=step.event,
            reason=step.reason,
            hub=hub_name(step.hub_id),
            sealed_bytes=step.envelope_bytes,
            node=self._name,
        )

    def _status(self) -> pb.NodeStatus:
        node, counters = self._node, self._node.counters
        now = Timestamp()
        now.GetCurrentTime()
        used = resource.getrusage(resource.RUSAGE_SELF)
        refusals = {
            f"{kind}:{reason}": count
            for kind, counted in (
                ("refusal", counters.refusals),
                ("drop", counters.drops),
                ("close", counters.closes),
                ("handshake", counters.handshakes_refused),
                ("subscription", counters.subscriptions_refused),
            )
            for reason, count in counted.items()
        }
        return pb.NodeStatus(
            node=self._name,
            time=now,
            sessions=len(node.hubs),
            handshakes=len(self._shell.handshakes),
            receivers=len(node.receivers),
            envelopes_down=counters.envelopes_down,
            envelopes_up=counters.envelopes_up,
            cpu_ms=int((used.ru_utime + used.ru_stime) * 1000),
            resident_bytes=int(_STATM.read_text().split()[1]) * resource.getpagesize(),
            refusals=refusals,
            draining=node.draining,
            directory_available=self._around.directory_available(),
            admission_available=node.admissions.live,
        )


def _cursor(token: str) -> bytes:
    try:
        cursor = base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError):
        cursor = b""
    if len(cursor) != 16:  # noqa: PLR2004 - a Hub id
        raise InvalidArgumentError.field("page_token", "not a token of this list", reason="PAGE_TOKEN_INVALID")
    return cursor
