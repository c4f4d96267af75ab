"""Owns where a topic leads, and what a connection remembers of its last PUBLISH. Knows no bytes of payload."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.routing.topics import hub_topics

if TYPE_CHECKING:
    from relay.routing.admission import Admission
    from relay.routing.client import Client
    from relay.routing.route_header import Alike
    from relay.routing.topics import HubTopic


class Route:
    """One topic of one Hub. One that has been dropped from the table is not ``live`` and must be looked up again."""

    __slots__ = ("hub", "hub_id", "leaf", "live", "qos", "subscriber", "topic")

    def __init__(self, topic: bytes, parsed: HubTopic) -> None:
        self.topic = topic
        self.hub_id = parsed.hub_id
        self.leaf = parsed.leaf
        # The connection that has subscribed, and the QoS that it was granted.
        self.subscriber: Client | None = None
        self.qos = 0
        # The Hub's connection.
        self.hub: Client | None = None
        self.live = True


class Memory:
    """The shape of a PUBLISH: while the next one begins with ``head``, nothing of it need be read again.

    head        first byte, remaining length, topic; for QoS 0 in MQTT 5.0 also an empty property length
    id_at       where the packet identifier stands, from the packet's start
    payload_at  where the payload stands
    length      of the whole packet
    alike       what the last envelope that passed has in common with others
    admission   by which it passed, and until when that holds
    """

    __slots__ = ("admission", "alike", "head", "id_at", "length", "payload_at", "qos", "route", "until")

    def __init__(self, head: bytes, length: int, qos: int, payload_at: int, route: Route) -> None:
        self.head = head
        self.length = length
        self.qos = qos
        self.id_at = len(head)
        self.payload_at = payload_at
        self.route = route
        self.alike: Alike | None = None
        self.admission: Admission | None = None
        self.until = 0.0


class RouteTable:
    """Routes of the Hubs that are here, and of topics that a bridge has subscribed to."""

    __slots__ = ("_routes",)

    def __init__(self) -> None:
        self._routes: dict[bytes, Route] = {}

    def find(self, topic: bytes) -> Route | None:
        """Return the route of a topic that somebody here is at one end of."""
        return self._routes.get(topic)

    def open(self, topic: bytes, parsed: HubTopic, hub: Client | None) -> Route:
        """Return the route of a topic, made if need be."""
        route = self._routes.get(topic)
        if route is None:
            route = self._routes[topic] = Route(topic, parsed)
            route.hub = hub
        return route

    def subscribe(self, route: Route, subscriber: Client, qos: int) -> None:
        """Lead a topic to a subscriber; the newest one has it."""
        route.subscriber = subscriber
        route.qos = qos

    def unsubscribe(self, topic: bytes, subscriber: Client) -> None:
        """Lead a topic there no longer."""
        route = self._routes.get(topic)
        if route is not None and route.subscriber is subscriber:
            route.subscriber = None
            self._drop_if_bare(route)

    def hub_came(self, hub_id: bytes, hub: Client) -> None:
        """Note that a Hub has connected."""
        for topic in hub_topics(hub_id):
            route = self._routes.get(topic)
            if route is not None:
                route.hub = hub

    def hub_went(self, hub_id: bytes, hub: Client) -> None:
        """Note that a Hub's connection has ended."""
        for topic in hub_topics(hub_id):
            route = self._routes.get(topic)
            if route is not None and route.hub is hub:
                route.hub = None
                self._drop_if_bare(route)

    def _drop_if_bare(self, route: Route) -> None:
        if route.hub is None and route.subscriber is None:
            route.live = False
            del self._routes[route.topic]
