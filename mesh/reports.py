"""Owns telling an error register (Sentry) of errors: what a log line of ours may show, and nothing else.

An event is made here, field by field, of a line that has been redacted: a constant message, the type of the error and
its places. No text of an exception, no local variable, no request, no breadcrumb, no host name. What the client library
would add by itself is taken out again before it is sent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import sentry_sdk

from mesh import names

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

    from sentry_sdk.types import Event, Hint
    from structlog.typing import Processor

_LEVELS: Final = {"error": "error", "critical": "fatal"}
_PLACE: Final = re.compile(r"(?P<file>[\w.]+):(?P<line>\d+) (?P<function>.+)")
_KEPT: Final = ("event_id", "timestamp", "level", "logger", "message", "tags", "exception", "contexts", "environment")


@dataclass(frozen=True, slots=True)
class Register:
    """Where errors are told, and as whose."""

    dsn: str
    environment: str
    release: str = ""


class Reports:
    """One client of the register."""

    def __init__(self, register: Register, **options: Any) -> None:
        self._client = sentry_sdk.Client(
            dsn=register.dsn,
            environment=register.environment,
            release=register.release or None,
            default_integrations=False,
            auto_enabling_integrations=False,
            include_source_context=False,
            max_breadcrumbs=0,
            attach_stacktrace=False,
            server_name="",
            before_send=_only,
            **options,
        )

    def processor(self) -> Processor:
        """Return what stands in the chain of a log line after its redaction."""

        def tell(_: Any, __: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
            if line.get("level") in _LEVELS:
                self._client.capture_event(made(line))
            return line

        return tell

    def close(self) -> None:
        """Send what waits, for two seconds at most."""
        self._client.close(timeout=2.0)


def made(line: Mapping[str, Any]) -> Event:
    """Return the event that a redacted log line is worth."""
    tags = {name: str(line[name]) for name in (names.SERVICE, names.NODE, names.REASON) if name in line}
    event: Event = {
        "level": _LEVELS[line["level"]],  # type: ignore[typeddict-item]
        "logger": str(line.get("module", "")),
        "message": str(line["event"]),
        "tags": tags,
    }
    if names.ERROR_TYPE in line:
        frames = [_frame(each) for each in line.get(names.ERROR_AT, ())]
        value = {"type": line[names.ERROR_TYPE], "value": "", "stacktrace": {"frames": [f for f in frames if f]}}
        event["exception"] = {"values": [value]}
    if names.TRACE_ID in line:
        event["contexts"] = {"trace": {"trace_id": line[names.TRACE_ID], "span_id": line.get(names.SPAN_ID, "")}}
    return event


def _frame(place: str) -> dict[str, Any] | None:
    found = _PLACE.fullmatch(place)
    if found is None:
        return None
    return {"filename": found["file"], "lineno": int(found["line"]), "function": found["function"]}


def _only(event: Event, _: Hint) -> Event:
    """Keep what was made here."""
    kept: dict[str, Any] = {name: value for name, value in event.items() if name in (*_KEPT, "release")}
    kept["contexts"] = {name: value for name, value in kept.get("contexts", {}).items() if name == "trace"}
    return kept  # type: ignore[return-value]
