"""Owns what watchers of the process ask: ``/metrics``, ``/livez`` and ``/readyz``, on a listener of their own.

Alive: the event loop takes its turn within ``PATIENCE`` seconds; a process that does not is to be restarted. Ready: it
takes calls; one that drains does not, and is alive. Served by a thread, so that a loop that hangs can be seen.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from http import HTTPStatus
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Final, cast
from urllib.request import urlopen
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import make_wsgi_app

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from wsgiref.types import StartResponse, WSGIEnvironment

PATIENCE: Final = 2.0
_OK: Final = "200 OK"
_NO: Final = "503 Service Unavailable"


class Readiness:
    """Whether this process takes calls; the server says so."""

    def __init__(self) -> None:
        self.ready = False


readiness: Final = Readiness()


class Vitals:
    """The application behind the listener."""

    def __init__(self, loop: asyncio.AbstractEventLoop | None) -> None:
        self._loop, self._metrics = loop, make_wsgi_app()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request; what is not known here is 404."""
        match environ["PATH_INFO"]:
            case "/metrics":
                return cast("Iterable[bytes]", self._metrics(environ, start_response))
            case "/livez":
                good = self._turns()
            case "/readyz":
                good = readiness.ready and self._turns()
            case _:
                start_response("404 Not Found", [("content-type", "text/plain")])
                return (b"not found\n",)
        start_response(_OK if good else _NO, [("content-type", "text/plain")])
        return (b"ok\n" if good else b"no\n",)

    def _turns(self) -> bool:
        """Tell whether the loop takes its turn."""
        if self._loop is None:
            return True
        turned = threading.Event()
        try:
            self._loop.call_soon_threadsafe(turned.set)
        except RuntimeError:  # closed
            return False
        return turned.wait(PATIENCE)


class _Server(ThreadingMixIn, WSGIServer):
    """A thread a request: a scrape that hangs holds up no probe."""

    daemon_threads = True


class _Handler(WSGIRequestHandler):
    """One request."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the standard library
        """Log nothing: probes come every few seconds."""


def serve(listen: str) -> WSGIServer:
    """Listen at ``host:port`` in a thread."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        loop = None
    host, _, port = listen.rpartition(":")
    server = make_server(host, int(port), Vitals(loop), _Server, _Handler)
    threading.Thread(target=server.serve_forever, name="vitals", daemon=True).start()
    return server


def main(arguments: Sequence[str], listen: str) -> int:
    """Ask this process's own listener, as the health check of an image does; return 0 if the answer is yes."""
    question = "".join(arguments) or "readyz"
    host, _, port = listen.rpartition(":")
    asked = "127.0.0.1" if host in {"", "0.0.0.0", "[::]"} else host  # noqa: S104 - compared, not listened on
    try:
        with urlopen(f"http://{asked}:{port}/{question}", timeout=2 * PATIENCE) as answer:
            return 0 if answer.status == HTTPStatus.OK else 1
    except OSError:
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ.get("ORA_METRICS_LISTEN", "")))
