"""A server on this machine that answers like this: a `Handler` says how, and `serving` gives its address."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType

_BODILESS = frozenset({204, 304})


class Handler(BaseHTTPRequestHandler):
    """Answers whatever is asked in the same way, and writes no log."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # the head and the body are sent apart: the body would wait 40 ms

    def asked(self) -> None:
        """Whoever is asked for what is not here says so."""
        self.answer(404)

    def do_any(self) -> None:
        """Whatever the method."""
        self.asked()

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_LOCK = do_UNLOCK = do_any  # noqa: N815 - the base's

    def body(self) -> bytes:
        """What was sent along."""
        return self.rfile.read(int(self.headers.get("content-length") or 0))

    def answer(
        self,
        status: int,
        headers: Mapping[str, str] = MappingProxyType({}),
        body: bytes = b"",
        *,
        promised: int | None = None,
    ) -> None:
        """Send it; whoever asked may have gone.

        promised: the size that is told, where it is not that of *body*; the connection ends after it.
        """
        with suppress(OSError):
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if status not in _BODILESS:
                self.send_header("content-length", str(len(body) if promised is None else promised))
            self.end_headers()
            if self.command != "HEAD" and status not in _BODILESS:
                self.wfile.write(body)
        self.close_connection = self.close_connection or promised is not None

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serving(handler: type[Handler]) -> Iterator[str]:
    """Its address, while it answers."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
