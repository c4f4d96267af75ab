"""Owns how many handshakes an address may begin. Knows no socket."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from relay.routing.bucket import Bucket

if TYPE_CHECKING:
    from relay.routing.limits import Limits

_ADDRESSES: Final = 65_536
_NETWORK_GROUPS: Final = 4


def network(address: str) -> str:
    """Return what counts as one origin: an IPv4 address, or the /64 of an IPv6 address."""
    if ":" not in address or address.startswith("::ffff:"):
        return address.removeprefix("::ffff:")
    head = address.split("::", 1)[0].split(":")
    return ":".join(head[:_NETWORK_GROUPS])


class AddressBudgets:
    """A token bucket for each address, for as many addresses as memory is given to."""

    __slots__ = ("_buckets", "_burst", "_rate")

    def __init__(self, limits: Limits) -> None:
        self._rate = limits.handshakes_per_address
        self._burst = limits.handshake_burst_per_address
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def take(self, address: str, now: float) -> bool:
        """Return whether this address may begin one more handshake."""
        key = network(address)
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = Bucket(self._burst, now)
            if len(self._buckets) > _ADDRESSES:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(key)
        if bucket.refill(self._rate, self._burst, now) < 1:
            return False
        bucket.tokens -= 1
        return True
