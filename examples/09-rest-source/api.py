"""A small API of lists, for this example: python3 api.py PORT."""

from __future__ import annotations

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

KEY = "lists-example-key"
MEMBERS = [
    {"id": "0001", "email": "jane.doe@example.com", "fields": {"city": "Osaka"}, "tags": ["spring"]},
    {"id": "0002", "email": "hanako@example.com", "fields": {"city": "Tokyo"}, "tags": []},
    {"id": "0003", "email": "kenji@example.co.jp", "fields": {"city": "Kobe"}, "tags": ["spring", "vip"]},
]


class Api(BaseHTTPRequestHandler):
    """Answers with pages of members."""

    def do_GET(self) -> None:
        """One page."""
        query = parse_qs(urlsplit(self.path).query)
        if self.headers.get("X-Api-Key") != KEY:
            self._answer(403, {"error": "no such key"})
            return
        begin, count = int(query["offset"][0]), int(query["count"][0])
        page = MEMBERS[begin : begin + count]
        self._answer(200, {"total": len(MEMBERS), "more": begin + count < len(MEMBERS), "members": page})

    def _answer(self, status: int, content: object) -> None:
        sent = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Api)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
