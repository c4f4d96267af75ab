"""Owns how many handshakes an address may begin, and whose goes first. Knows no socket."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from relay.routing.limits import Limits

_ADDRESSES: Final = 65_536
_NETWORK_GROUPS: Final = 4
# How long it takes until an address that was busy counts as half as busy.
_HALF_LIFE_SECONDS: Final = 8.0
# 0: its first handshake for a while. Each rank more is twice as many lately.
RANKS: Final = 8


def network(address: str) -> str:
    """Return what counts as one origin: an IPv4 address, or the /64 of an IPv6 address."""
    if ":" not in address or address.startswith("::ffff:"):
        return address.removeprefix("::ffff:")
    head = address.split("::", 1)[0].split(":")
    return ":".join(head[:_NETWORK_GROUPS])


class _Account:
    """One address: what it may still begin, and how much it has begun lately."""

    __slots__ = ("at", "lately", "tokens")

    def __init__(self, tokens: float, now: float) -> None:
        self.tokens = tokens
        self.at = now
        self.lately = 0.0


class AddressBudgets:
    """An account for each address, for as many addresses as memory is given to."""

    __slots__ = ("_accounts", "_burst", "_cost", "_rate")

    def __init__(self, limits: Limits) -> None:
        self._rate = limits.handshakes_per_address
        self._burst = limits.handshake_burst_per_address
        self._cost = limits.failed_handshake_cost
        self._accounts: OrderedDict[str, _Account] = OrderedDict()

    def take(self, address: str, now: float) -> int | None:
        """Begin one more handshake of this address; return its rank, or None if the address may not."""
        key = network(address)
        account = self._accounts.get(key)
        if account is None:
            account = self._accounts[key] = _Account(self._burst, now)
            if len(self._accounts) > _ADDRESSES:
                self._accounts.popitem(last=False)
        else:
            self._accounts.move_to_end(key)
            passed = now - account.at
            account.at = now
            account.tokens = min(self._burst, account.tokens + passed * self._rate)
            account.lately *= 0.5 ** (passed / _HALF_LIFE_SECONDS)
        if account.tokens < 1:
            return None
        account.tokens -= 1
        account.lately += 1
        return min(int(account.lately).bit_length(), RANKS) - 1

    def failed(self, address: str) -> None:
        """Let an address pay for a handshake that cost work and came to nothing."""
        account = self._accounts.get(network(address))
        if account is not None:
            account.tokens = max(account.tokens - self._cost, -self._rate)
