"""A caller is told when its request has left, and may do something else while the answer is made."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from reconciler.http.client import Client
from reconciler.http.dialect import Dialect
from reconciler.http.request import get
from reconciler.http.retry import RetryPolicy


class Waiting(ThreadingHTTPServer):
    """Answers when whoever asked was told that the request has left; fails the first *failing* requests."""

    def __init__(self, failing: int = 0) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.told = threading.Event()
        self.failing = failing


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Waiting

    def do_GET(self) -> None:
        is_told = self.server.told.wait(10)
        self.server.told.clear()
        self.server.failing -= 1
        self.send_response(503 if self.server.failing >= 0 else 200 if is_told else 400)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[Waiting]:
    serving = Waiting(getattr(request, "param", 0))
    thread = threading.Thread(target=serving.serve_forever, daemon=True)
    thread.start()
    yield serving
    serving.shutdown()
    serving.server_close()
    thread.join()


def test_it_is_told_before_the_answer_comes(server: Waiting) -> None:
    with Client(f"http://127.0.0.1:{server.server_port}", Dialect("vendor")) as client:
        assert [client.whole(get("/x"), sent=server.told.set).status for _ in range(2)] == [200, 200]


@pytest.mark.parametrize("server", [2], indirect=True)
def test_it_is_told_at_each_attempt(server: Waiting) -> None:
    told: list[bool] = []

    def sent() -> None:
        told.append(True)
        server.told.set()

    policy = RetryPolicy(attempts=3, first_wait_s=0.0)
    with Client(f"http://127.0.0.1:{server.server_port}", Dialect("vendor"), policy=policy) as client:
        assert client.whole(get("/x"), sent=sent).status == 200
    assert len(told) == 3
