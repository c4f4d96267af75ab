"""Owns the gRPC server: mutual TLS 1.3, the chain around every handler, health, and a drain that loses no call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

import grpc
from grpc_channelz.v1 import channelz, channelz_pb2_grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2_grpc

from mesh import clock, log, names, tls, vitals
from mesh.certs import Bundle, Certificates
from mesh.errors import UnimplementedError
from mesh.interceptors.chain import Chain, Gauge
from mesh.interceptors.deadline import SkewStage
from mesh.interceptors.failure import answer
from mesh.interceptors.idempotency import IdempotencyStage
from mesh.interceptors.identity import ApiTokenVerifier, PeerStage, PersonVerifier, SubjectStage
from mesh.interceptors.policy import CallerStage, PolicyStage
from mesh.interceptors.rate_limit import RateLimitStage
from mesh.interceptors.validation import ValidationStage
from mesh.policy import Method, PolicyError, built_in, method_of
from mesh.possession import Checks
from mesh.ratelimit import RateLimiter
from mesh.settings import Environment, MeshConfig
from mesh.tokens import AccessTokens

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Sequence

    from mesh.interceptors.stage import Stage

S = TypeVar("S")
_LOG: Final = log.get(__name__)
_OPERATOR: Final = ("operator",)


class Server:
    """A server of one workload. ``add`` services, then ``serve`` until told to stop."""

    def __init__(
        self,
        config: MeshConfig,
        *,
        workload: str,
        limiter: RateLimiter | None = None,
        people: PersonVerifier | None = None,
        api_tokens: ApiTokenVerifier | None = None,
        now: clock.Now = clock.now,
        monotonic: clock.Monotonic = clock.monotonic,
    ) -> None:
        tls.demand()
        self._config, self._monotonic = config, monotonic
        self._certificates = Certificates(config.cert_dir, workload)
        if people is None and config.issuers:
            people = AccessTokens(config.issuers, now=now, monotonic=monotonic)
        self._people = people
        limiter = limiter or RateLimiter(None, monotonic=monotonic)
        self._stages: Sequence[Stage] = (
            PeerStage(),
            CallerStage(),
            SkewStage(now),
            SubjectStage(people, api_tokens, limiter, Checks(config.public_origins, now=now)),
            PolicyStage(now),
            RateLimitStage(limiter, config.rate_limits),
            ValidationStage(),
            IdempotencyStage(),
        )
        self._load = Gauge(config.max_concurrent_calls)
        self._services: set[str] = set()
        self._grpc = grpc.aio.server(options=_options(config))
        self._health = health.aio.HealthServicer()
        self.port = 0

    def add(self, register: Callable[[S, Any], None], servicer: S) -> None:
        """Register a service by its generated ``add_…_to_server``. A method without a policy raises ``PolicyError``."""
        self._add(register, servicer, method_of)

    def _add(self, register: Callable[[S, Any], None], servicer: S, describe: Callable[[str], Method]) -> None:
        catch = _Registrar()
        register(servicer, catch)
        if catch.service in self._services:
            raise PolicyError(f"{catch.service} is registered twice")
        self._services.add(catch.service)
        handlers = {}
        for name, handler in catch.handlers.items():
            method = describe(f"/{catch.service}/{name}")
            if method.takes_people and self._people is None:
                raise PolicyError(f"{method.path} is for people and no issuer is configured (ORA_OIDC_ISSUERS)")
            handlers[name] = Chain(method, handler, self._stages, self._load, self._monotonic).handler()
        self._grpc.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(catch.service, handlers),))

    async def start(self) -> int:
        """Listen; return the port."""
        self._add(health_pb2_grpc.add_HealthServicer_to_server, self._health, _health_method)
        if self._config.environment is Environment.DEV:
            self._add_dev_tools()
        self._grpc.add_generic_rpc_handlers((_Unknown(),))
        self.port = self._grpc.add_secure_port(self._config.grpc_listen, _credentials(self._certificates))
        await self._grpc.start()
        await self.set_serving(True)
        _LOG.info("serving", **{names.ADDRESS: self._config.grpc_listen}, port=self.port)
        return self.port

    def _add_dev_tools(self) -> None:
        listed = (*self._services, reflection.SERVICE_NAME)
        self._add(
            reflection_pb2_grpc.add_ServerReflectionServicer_to_server,
            reflection.aio.ReflectionServicer(listed),
            lambda path: _tool(path, bidi=True),
        )
        self._add(channelz_pb2_grpc.add_ChannelzServicer_to_server, channelz.aio.ChannelzServicer(), _tool)

    @property
    def load(self) -> int:
        """How many calls are being served."""
        return self._load.now

    async def set_serving(self, serving: bool) -> None:  # noqa: FBT001 - a state, not an option
        """Tell balancers whether to send calls here, for the server and for each service."""
        vitals.readiness.ready = serving
        states = health_pb2.HealthCheckResponse
        state = states.SERVING if serving else states.NOT_SERVING
        for service in ("", *self._services):
            await self._health.set(service, state)

    async def serve(self, stopping: asyncio.Event) -> None:
        """Listen until ``stopping`` is set, then drain: say so, refuse new calls, let running ones end."""
        await self.start()
        await stopping.wait()
        await self.stop()

    async def stop(self) -> None:
        """Drain, for at most ``drain_seconds``; calls that are left are cancelled."""
        vitals.readiness.ready = False
        await self._health.enter_graceful_shutdown()
        await self._grpc.stop(self._config.drain_seconds)
        _LOG.info("stopped", unfinished=self._load.now)


class _Registrar:
    """Stands in for a gRPC server where generated code registers a service."""

    def __init__(self) -> None:
        self.service = ""
        self.handlers: dict[str, Any] = {}

    def add_generic_rpc_handlers(self, handlers: Sequence[Any]) -> None:
        self.service = handlers[0].service_name()

    def add_registered_method_handlers(self, service: str, handlers: dict[str, Any]) -> None:
        self.service, self.handlers = service, handlers


class _Unknown(grpc.GenericRpcHandler):
    """Answers what no service answers, with ``ErrorInfo`` like every other failure."""

    def service(self, handler_call_details: Any) -> Any:
        del handler_call_details
        return grpc.stream_unary_rpc_method_handler(self._refuse)

    async def _refuse(self, request: Any, context: Any) -> None:
        del request
        await answer(context, UnimplementedError("no such method", reason="METHOD_UNKNOWN"), "")


def _health_method(path: str) -> Method:
    return built_in(path, watch=path.endswith("/Watch"))


def _tool(path: str, *, bidi: bool = False) -> Method:
    return built_in(path, callers=_OPERATOR, bidi=bidi)


def _options(config: MeshConfig) -> list[tuple[str, int]]:
    return [
        ("grpc.so_reuseport", 0),
        ("grpc.max_receive_message_length", config.max_message_bytes),
        ("grpc.max_send_message_length", config.max_message_bytes),
        ("grpc.max_metadata_size", 16_384),
        ("grpc.max_concurrent_streams", config.max_concurrent_calls),
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.max_connection_age_ms", 3_600_000),
        ("grpc.max_connection_age_grace_ms", 3_600_000),
    ]


def _credentials(certificates: Certificates) -> grpc.ServerCredentials:
    """Return credentials that ask for the files at every handshake, so that a new certificate needs no restart."""
    served = certificates.current().fingerprint

    def fetch() -> grpc.ServerCertificateConfiguration | None:
        nonlocal served
        bundle = certificates.current()
        if bundle.fingerprint == served:
            return None
        served = bundle.fingerprint
        return _configuration(bundle)

    return grpc.dynamic_ssl_server_credentials(_configuration(certificates.current()), fetch, True)  # type: ignore[arg-type]


def _configuration(bundle: Bundle) -> grpc.ServerCertificateConfiguration:
    return grpc.ssl_server_certificate_configuration([(bundle.key, bundle.chain)], bundle.authorities)
