"""Owns turning the contract's rate class into permits; numbers are configuration, counting is ``ratelimit``'s."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Final, assert_never

from ora.options.v1 import options_pb2 as options

from mesh.errors import ResourceExhaustedError
from mesh.identity import GATEWAY, Anonymous, ApiClient, HubIdentity, Principal, Subject, Workload
from mesh.interceptors.stage import Stage
from mesh.ratelimit import RateLimiter, RateLimits, limit_key

if TYPE_CHECKING:
    from mesh.call import Call
    from mesh.policy import Method

# Envoy sets it to the address that it saw, and strips what a client sends under this name.
NETWORK: Final = "x-envoy-external-address"
_COUNTED: Final = frozenset(
    {options.RATE_CLASS_WRITE, options.RATE_CLASS_SENSITIVE, options.RATE_CLASS_EXPENSIVE, options.RATE_CLASS_STREAM}
)


class RateLimitStage(Stage):
    """Takes the permits of one call. NONE needs none, READ is the edge's."""

    def __init__(self, limiter: RateLimiter, limits: RateLimits) -> None:
        self._limiter, self._limits = limiter, limits
        self._streams: Counter[str] = Counter()

    def applies(self, method: Method) -> bool:
        """Only where the class is counted here."""
        return method.policy.rate_class in _COUNTED

    async def admit(self, call: Call) -> None:
        """Take the permits that the class asks for, or say when to come back.

        Callers whom nobody knows share no bucket: one of them could lock out all. They are counted by network address
        where the gateway tells it; where it tells nothing (the backup door, on purpose) its own limits stand alone.
        """
        network = call.header(NETWORK) if call.peer and call.peer.name == GATEWAY else None
        if isinstance(call.subject, Anonymous):
            if network is None:
                return
            who = tenant = f"network\x00{network}"
        else:
            who, tenant = subject_key(call.subject), tenant_key(call.subject)
        match call.method.policy.rate_class:
            case options.RATE_CLASS_WRITE:
                wait = await self._limiter.take(limit_key("write", who), self._limits.write, fail_closed=False)
            case options.RATE_CLASS_SENSITIVE:
                wait = await self._sensitive(call, who, network)
            case options.RATE_CLASS_EXPENSIVE:
                key = limit_key("expensive", tenant)
                wait = await self._limiter.take(key, self._limits.expensive, fail_closed=False)
            case _:
                wait = self._stream(call, who)
        if wait is not None:
            raise ResourceExhaustedError(
                "too many calls of this kind", retry_after=wait, quota=options.RateClass.Name(_class(call))
            )

    async def _sensitive(self, call: Call, who: str, network: str | None) -> timedelta | None:
        method, limit = call.method.path, self._limits.sensitive
        if network is not None:
            wait = await self._limiter.take(limit_key("network", method, network), limit, fail_closed=True)
            if wait is not None:
                return wait
        return await self._limiter.take(limit_key("sensitive", method, who), limit, fail_closed=True)

    def _stream(self, call: Call, who: str) -> timedelta | None:
        if self._streams[who] >= self._limits.streams:
            return timedelta(seconds=5)
        self._streams[who] += 1
        call.on_end.append(lambda: self._end(who))
        return None

    def _end(self, who: str) -> None:
        self._streams[who] -= 1
        if not self._streams[who]:
            del self._streams[who]


def _class(call: Call) -> options.RateClass.ValueType:
    return call.method.policy.rate_class


def subject_key(subject: Subject) -> str:
    """Return what tells two subjects apart, in any tenant."""
    match subject:
        case Principal():
            return f"person\x00{subject.issuer}\x00{subject.subject}"
        case ApiClient():
            return f"token\x00{subject.tenant}\x00{subject.token_id}"
        case HubIdentity():
            return f"hub\x00{subject.hub_id}"
        case Workload():
            return f"workload\x00{subject.name}"
        case Anonymous():
            return "anonymous"
        case _:
            assert_never(subject)


def tenant_key(subject: Subject) -> str:
    """Return the tenant's key, or the subject's own where it has none."""
    if isinstance(subject, Principal | ApiClient) and subject.tenant is not None:
        return f"tenant\x00{subject.tenant}"
    return subject_key(subject)
