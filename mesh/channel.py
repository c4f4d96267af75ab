"""Owns calling other services: mutual TLS 1.3, a deadline on every call, retries where the contract allows them.

A ``Channel`` is a ``grpc.aio.Channel`` for generated stubs. Below it the real one is replaced when the certificate
files change, or when a stub of one more service is made on it: running calls end on the old one, and a stream that is
still there after five minutes is told that it was replaced (``mesh.streams``).
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
from typing import TYPE_CHECKING, Any, Final

import grpc
from google.rpc import status_pb2
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from mesh import clock, tls
from mesh.call import CURRENT
from mesh.errors import DeadlineExceededError
from mesh.interceptors.deadline import ANSWER_MARGIN, SENT_KEY
from mesh.policy import Method, PolicyError, built_in, method_of
from mesh.status import DETAILS_KEY, error_info
from mesh.streams import Stream

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mesh.certs import Bundle, Certificates

_UNARY: Final = "unary_unary"
_CHECK_SECONDS: Final = 1.0
_RETIRE_SECONDS: Final = 300.0
_PROPAGATOR: Final = TraceContextTextMapPropagator()
_RETRY: Final = {
    "maxAttempts": 3,
    "initialBackoff": "0.05s",
    "maxBackoff": "0.5s",
    "backoffMultiplier": 2,
    "retryableStatusCodes": ["UNAVAILABLE"],
}
# A budget: at most about a tenth of the calls are retries, so a fault is not made worse.
_BUDGET: Final = {"maxTokens": 20, "tokenRatio": 0.1}


def reason_of(error: grpc.aio.AioRpcError) -> str:
    """Return the ``ErrorInfo`` reason of a failed call; empty if it came from no service of ours."""
    for key, value in error.trailing_metadata() or ():
        if key == DETAILS_KEY and isinstance(value, bytes):
            info = error_info(status_pb2.Status.FromString(value))
            return info.reason if info else ""
    return ""


class Channel(grpc.aio.Channel):
    """Calls to one workload, at one or more addresses."""

    def __init__(
        self,
        workload: str,
        targets: Sequence[str],
        certificates: Certificates,
        *,
        max_message_bytes: int = 1 << 20,
        now: clock.Now = clock.now,
        monotonic: clock.Monotonic = clock.monotonic,
    ) -> None:
        tls.demand()
        self._workload, self._target = workload, _target(targets)
        self._certificates, self._max_message_bytes = certificates, max_message_bytes
        self._now, self._monotonic = now, monotonic
        self._methods: dict[str, Method] = {}
        self._inner: grpc.aio.Channel | None = None
        self._built_for = ("", 0)
        self._checked_at = float("-inf")
        self._retiring: set[asyncio.Task[None]] = set()
        self.generation = 0

    def current(self) -> grpc.aio.Channel:
        """Return the channel to use now."""
        moment = self._monotonic()
        if (
            self._inner is None
            or moment - self._checked_at >= _CHECK_SECONDS
            or self._built_for[1] != len(self._methods)
        ):
            self._checked_at = moment
            bundle = self._certificates.current()
            wanted = (bundle.fingerprint, len(self._methods))
            if self._inner is None or wanted != self._built_for:
                self._replace(bundle)
                self._built_for = wanted
        return self._inner  # type: ignore[return-value]

    def _replace(self, bundle: Bundle) -> None:
        if self._inner is not None:
            task = asyncio.get_running_loop().create_task(self._inner.close(_RETIRE_SECONDS))
            self._retiring.add(task)
            task.add_done_callback(self._retiring.discard)
        credentials = grpc.ssl_channel_credentials(bundle.authorities, bundle.key, bundle.chain)
        self._inner = grpc.aio.secure_channel(self._target, credentials, options=self._options())
        self.generation += 1

    def _options(self) -> list[tuple[str, Any]]:
        return [
            ("grpc.ssl_target_name_override", self._workload),
            ("grpc.default_authority", self._workload),
            ("grpc.service_config", json.dumps(service_config(self._methods.values()))),
            ("grpc.enable_retries", 1),
            ("grpc.max_receive_message_length", self._max_message_bytes),
            ("grpc.max_send_message_length", self._max_message_bytes),
            ("grpc.max_metadata_size", 16_384),
            ("grpc.keepalive_time_ms", 20_000),
            ("grpc.keepalive_timeout_ms", 5_000),
            ("grpc.max_reconnect_backoff_ms", 2_000),
            ("grpc.enable_http_proxy", 0),
        ]

    def prepare(self, method: Method, timeout: float | None, metadata: Any) -> tuple[float | None, list[Any]]:
        """Return the deadline and metadata that a call leaves with."""
        limits = [each for each in (timeout, method.deadline) if each is not None]
        serving = CURRENT.get(None)
        if serving is not None and serving.deadline is not None:
            limits.append(serving.deadline - self._monotonic() - ANSWER_MARGIN)
        headers: dict[str, str] = {SENT_KEY: str(int(self._now().timestamp() * 1000))}
        _PROPAGATOR.inject(headers)
        if limits and min(limits) <= 0:
            raise DeadlineExceededError("no time is left to call another service")
        return min(limits, default=None), [*(metadata or ()), *headers.items()]

    def _method(self, kind: str, path: str, *codec: Any) -> Any:
        self._methods[path] = _describe(path)
        return _Callable(self, kind, self._methods[path], codec)

    def unary_unary(
        self, method: str, request_serializer: Any = None, response_deserializer: Any = None, **_: Any
    ) -> Any:
        """Return what calls this method."""
        return self._method(_UNARY, method, request_serializer, response_deserializer)

    def unary_stream(
        self, method: str, request_serializer: Any = None, response_deserializer: Any = None, **_: Any
    ) -> Any:
        """Return what calls this method."""
        return self._method("unary_stream", method, request_serializer, response_deserializer)

    def stream_unary(
        self, method: str, request_serializer: Any = None, response_deserializer: Any = None, **_: Any
    ) -> Any:
        """Return what calls this method."""
        return self._method("stream_unary", method, request_serializer, response_deserializer)

    def stream_stream(
        self, method: str, request_serializer: Any = None, response_deserializer: Any = None, **_: Any
    ) -> Any:
        """Return what calls this method."""
        return self._method("stream_stream", method, request_serializer, response_deserializer)

    async def close(self, grace: float | None = None) -> None:
        """End the channel and those it replaced."""
        for task in self._retiring:
            task.cancel()
        await asyncio.gather(*self._retiring, return_exceptions=True)
        if self._inner is not None:
            await self._inner.close(grace)

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:  # noqa: FBT001, FBT002 - as in the base class
        """Return the state of the current channel."""
        return self.current().get_state(try_to_connect)

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        """Wait until the current channel is in another state."""
        await self.current().wait_for_state_change(last_observed_state)

    async def channel_ready(self) -> None:
        """Wait until the current channel is connected."""
        await self.current().channel_ready()

    async def __aenter__(self) -> Channel:  # noqa: PYI034 - as in the base class
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


class _Callable:
    """One method of a stub, on whatever channel is current."""

    def __init__(self, channel: Channel, kind: str, method: Method, codec: Any) -> None:
        self._channel, self._kind, self._method, self._codec = channel, kind, method, codec
        self._built: tuple[int, Any] = (0, None)

    def __call__(self, request: Any = None, *, timeout: float | None = None, metadata: Any = None, **rest: Any) -> Any:
        left, headers = self._channel.prepare(self._method, timeout, metadata)
        inner = self._channel.current()
        if self._built[0] != self._channel.generation:
            made = getattr(inner, self._kind)(self._method.path, *self._codec)
            self._built = (self._channel.generation, made)
        call = self._built[1](request, timeout=left, metadata=headers, **rest)
        return call if self._kind == _UNARY else Stream(call)


def service_config(methods: Any) -> dict[str, Any]:
    """Return the client side of the contract: balance over all addresses, retry what may be repeated."""
    names = [{"service": each.service, "method": each.name} for each in methods if each.retryable]
    config: dict[str, Any] = {"loadBalancingConfig": [{"round_robin": {}}], "retryThrottling": _BUDGET}
    if names:
        config["methodConfig"] = [{"name": names, "retryPolicy": _RETRY}]
    return config


def _describe(path: str) -> Method:
    try:
        return method_of(path)
    except PolicyError:
        if path.startswith("/grpc."):
            return built_in(path, watch=path.endswith("/Watch"), bidi=path.endswith("/ServerReflectionInfo"))
        raise


def _target(targets: Sequence[str]) -> str:
    hosts = [each.rpartition(":")[0].strip("[]") for each in targets]
    kinds = {_kind(each) for each in hosts}
    if kinds in ({"ipv4"}, {"ipv6"}):
        return f"{kinds.pop()}:{','.join(targets)}"
    if len(targets) == 1:
        return f"dns:///{targets[0]}"
    raise ValueError("several targets must all be IPv4 or all IPv6 addresses; one name may stand for many")


def _kind(host: str) -> str:
    try:
        return f"ipv{ipaddress.ip_address(host).version}"
    except ValueError:
        return "name"
