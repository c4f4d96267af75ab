"""Owns what a log line looks like and what it may show; knows no service.

A message is constant and its variables are fields, named in ``mesh.names``. What a field may show is decided by the
contract: a protobuf message is rendered by its data classes (``mesh.redact``), bytes show only their length, and the
text of an exception, which may quote data, is replaced by its type and places.
"""

from __future__ import annotations

import atexit
import logging
import sys
import traceback
from collections.abc import MutableMapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import structlog
from google.protobuf.message import Message
from opentelemetry import trace

from mesh import names
from mesh.errors import OraError
from mesh.redact import redacted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from structlog.typing import FilteringBoundLogger, Processor

    from mesh.settings import MeshConfig

_HIDDEN: Final = frozenset({"authorization", "cookie", "password", "private_key", "secret", "token"})
_FRAMES: Final = 12
Event = MutableMapping[str, Any]


def get(module: str) -> FilteringBoundLogger:
    """Return the logger of a module."""
    return cast("FilteringBoundLogger", structlog.get_logger(module=module))


def start(service: str, config: MeshConfig) -> None:
    """Send every log line of this process to standard output as the configuration says."""
    configure(
        service=service,
        level=config.log_level,
        json=config.log_format == "json",
        node=config.node_id,
        exception_text=config.log_exception_text,
        told=_register(config),
    )


def _register(config: MeshConfig) -> Sequence[Processor]:
    """Return what tells an error register, where one is configured."""
    if config.error_register is None:
        return ()
    from mesh.reports import Register, Reports  # noqa: PLC0415 - most processes have none, and it is large

    reports = Reports(Register(config.error_register.reveal(), config.environment.value, config.release))
    atexit.register(reports.close)
    return (reports.processor(),)


def configure(
    *,
    service: str,
    level: str = "info",
    json: bool = True,
    node: str = "",
    exception_text: bool = False,
    told: Sequence[Processor] = (),
) -> None:
    """As ``start``, by single values; ``told`` are processors that see each line after its redaction."""
    _shape(service=service, level=level, json=json, node=node, exception_text=exception_text, told=told)
    logging.basicConfig(handlers=[_Bridge()], level=max(logging.WARNING, _number(level)), force=True)


def _shape(
    *,
    service: str,
    level: str,
    json: bool,
    node: str = "",
    exception_text: bool = False,
    told: Sequence[Processor] = (),
) -> None:
    def identify(_: Any, __: str, event: Event) -> Event:
        event[names.SERVICE] = service
        if node:
            event[names.NODE] = node
        return event

    processors: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        *([identify] if service else []),
        _trace,
        *([structlog.processors.format_exc_info] if exception_text else [_exception]),
        redact,
        *told,
        structlog.processors.JSONRenderer() if json else structlog.dev.ConsoleRenderer(colors=False),
    ]
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(),
        cache_logger_on_first_use=False,
    )


def _number(level: str) -> int:
    return logging.getLevelNamesMapping()[level.upper()]


class _Bridge(logging.Handler):
    """Lets a library's warning through as its place, level and template: arguments may hold data."""

    def emit(self, record: logging.LogRecord) -> None:
        event = get(record.name)
        event.log(record.levelno, "a library logged", template=str(record.msg), exc_info=record.exc_info or None)


def _trace(_: Any, __: str, event: Event) -> Event:
    span = trace.get_current_span().get_span_context()
    if span.is_valid:
        event.setdefault(names.TRACE_ID, f"{span.trace_id:032x}")
        event.setdefault(names.SPAN_ID, f"{span.span_id:016x}")
    return event


def _exception(_: Any, __: str, event: Event) -> Event:
    given = event.pop("exc_info", None)
    error = sys.exc_info()[1] if given is True else given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        event[names.ERROR_TYPE] = type(error).__qualname__
        event[names.ERROR_AT] = _places(error)
        if isinstance(error, OraError):
            event[names.REASON] = error.reason
        if sqlstate := getattr(error, "sqlstate", None):
            event["sqlstate"] = sqlstate
    return event


def _places(error: BaseException) -> list[str]:
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    places = [f"{Path(each.filename).name}:{each.lineno} {each.name}" for each in frames]
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            places += [f"| {type(inner).__qualname__}", *(f"| {place}" for place in _places(inner))]
    return places


def redact(_: Any, __: str, event: Event) -> Event:
    """Replace what a line may not show."""
    for key, value in event.items():
        event[key] = "[redacted]" if key in _HIDDEN else _shown(value)
    return event


def _shown(value: Any) -> Any:
    match value:
        case str() | int() | float() | None:
            return value
        case Message():
            return redacted(value)
        case dict():
            return {str(key): "[redacted]" if key in _HIDDEN else _shown(inner) for key, inner in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_shown(inner) for inner in value]
        case _:
            return _other(value)


def _other(value: Any) -> str:
    match value:
        case bytes() | bytearray() | memoryview():
            return f"[{len(value)} bytes]"
        case BaseException():
            return type(value).__qualname__
        case _:
            return str(value)


# Until a process is configured it logs in the same way: structlog's own default prints a failure's local variables.
_shape(service="", level="info", json=False)
