"""What an error register is told: a constant, a type and places. A canary in all that is near an error stays here."""

from __future__ import annotations

import gzip
import json
import logging
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from mesh import log
from mesh.errors import UnavailableError
from mesh.reports import Register, Reports

if TYPE_CHECKING:
    from collections.abc import Iterator

CANARY = "canary-7f3a9c"


class Inbox:
    """What came, as bytes that are no longer packed."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        inbox = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                packed = self.headers.get("content-encoding") == "gzip"
                inbox.bodies.append((gzip.decompress(body) if packed else body) + str(self.headers).encode())
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def events(self) -> list[dict[str, Any]]:
        lines = [line for body in self.bodies for line in body.splitlines() if line.startswith(b'{"')]
        return [each for each in map(json.loads, lines) if "message" in each]


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    yield
    root.handlers[:] = before
    root.setLevel(level)
    log._shape(service="", level="info", json=False)


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    made = Inbox()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def reports(inbox: Inbox) -> Reports:
    made = Reports(Register(f"http://key@127.0.0.1:{inbox.server.server_port}/1", "staging", "abc123"))
    log.configure(service="portal", node="portal-1", told=(made.processor(),))
    return made


def fail(held: str) -> None:
    local = f"{held} in a local"
    raise ValueError(f"{local} and in a text")


def test_an_error_arrives_without_what_was_near_it(inbox: Inbox, reports: Reports) -> None:
    logger = log.get("portal_svc.api")
    try:
        fail(CANARY)
    except ValueError as error:
        logger.error("a call failed", payload=CANARY, token=CANARY, exc_info=error)  # noqa: TRY400
    logger.critical("the service failed", exc_info=UnavailableError(CANARY, reason="DATABASE_UNAVAILABLE"))
    reports.close()
    assert not any(CANARY.encode() in each for each in inbox.bodies)
    first, second = inbox.events
    assert first["message"] == "a call failed"
    assert first["tags"] == {"service": "portal", "node": "portal-1"}
    (value,) = first["exception"]["values"]
    assert value["type"] == "ValueError"
    assert value["stacktrace"]["frames"][-1]["function"] == "fail"
    assert "vars" not in value["stacktrace"]["frames"][-1]
    assert first["environment"] == "staging"
    assert first["release"] == "abc123"
    assert second["level"] == "fatal"
    assert second["tags"]["reason"] == "DATABASE_UNAVAILABLE"


def test_nothing_is_told_but_what_was_made(inbox: Inbox, reports: Reports) -> None:
    log.get("x").error("an error")
    log.get("x").warning("a warning")
    reports.close()
    (event,) = inbox.events
    allowed = {"event_id", "timestamp", "level", "logger", "message", "tags", "contexts", "environment", "release"}
    assert set(event) <= allowed
    assert event["contexts"] == {}


def test_a_register_that_is_away_holds_nobody_up(capsys: pytest.CaptureFixture[str]) -> None:
    gone = Reports(Register("http://key@127.0.0.1:9/1", "staging"))
    log.configure(service="portal", told=(gone.processor(),))
    log.get("x").error("an error")
    gone.close()
    assert "an error" in capsys.readouterr().out
