"""An API of contacts in pages, as such APIs have them, in a process of its own."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


def row(number: int) -> dict[str, Any]:
    """A contact as such APIs have them: nested, with a list, and with nulls."""
    return {
        "id": f"c{number:08}",
        "email": f"customer{number}@example.com",
        "age": number % 80,
        "score": round(number / 7, 2),
        "subscribed": number % 3 == 0,
        "updated_at": f"2026-01-{number % 28 + 1:02}T00:00:00Z",
        "note": None if number % 2 else "called",
        "address": {"city": f"city {number % 100}", "zip": f"{number % 100_000:05}", "geo": {"lat": 1.5, "long": 2.5}},
        "tags": ["spring", "vip"] if number % 5 == 0 else [],
    }


def _serve(pages: int, rows: int, latency_s: float, told: Any) -> None:
    bodies = []
    for page in range(pages):
        following = {"next": f"t{page + 1}"} if page + 1 < pages else {"next": None}
        members = [row(page * rows + number) for number in range(rows)]
        bodies.append(json.dumps({"meta": following, "members": members}).encode())

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one piece: in two, the second waits for the first to be acknowledged

        def do_GET(self) -> None:
            query = parse_qs(urlsplit(self.path).query)
            number = int(query["page"][0]) if "page" in query else int(query.get("after", ["t0"])[0][1:])
            time.sleep(latency_s)
            body = bodies[number]
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("X-PageCount", str(pages))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told.send(server.server_port)
    server.serve_forever()


@contextlib.contextmanager
def api(pages: int, rows: int, latency_s: float) -> Iterator[str]:
    """The address of an API in a process of its own."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=_serve, args=(pages, rows, latency_s, theirs), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.kill()
        process.join()
