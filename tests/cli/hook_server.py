"""A server that notifications are sent to: it answers as it is told, and keeps what it was sent."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = tuple[int, Mapping[str, str], bytes]
"""Status, headers and body."""


@dataclass(frozen=True)
class Sent:
    """One request."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def document(self) -> dict[str, Any]:
        read: dict[str, Any] = json.loads(self.body)
        return read


@dataclass
class Hook:
    """*answers*: one after the other, the last for ever; a function makes one of a request, and may take its time."""

    url: str = ""
    answers: list[Answer | Callable[[Sent], Answer]] = field(default_factory=lambda: [(200, {}, b"ok")])
    sent: list[Sent] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def events(self) -> list[str]:
        """What was told since this was asked before."""
        told = [one.document["event"] for one in self.sent]
        self.sent.clear()
        return told


@contextmanager
def hook() -> Iterator[Hook]:
    told = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("content-length", 0))
            sent = Sent(
                self.path, {name.lower(): value for name, value in self.headers.items()}, self.rfile.read(length)
            )
            told.sent.append(sent)
            answer = told.answers.pop(0) if len(told.answers) > 1 else told.answers[0]
            status, headers, body = answer if isinstance(answer, tuple) else answer(sent)
            try:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            except OSError:
                pass  # nobody waits any more

        do_GET = do_POST  # noqa: N815 - the base's name

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    told.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield told
    finally:
        told.over.set()
        server.shutdown()
        server.server_close()
        thread.join()
