"""A minimal HTTP server that takes members of a list and counts them, in a process of its own."""

# ruff: noqa: D102 - asyncio names the protocol's methods
from __future__ import annotations

import asyncio
import http.client
import json
from contextlib import AbstractContextManager

from sinks import served

ANSWERS = {
    b"POST": {
        "token_type": "bearer",
        "access_token": "pina_bench",
        "expires_in": 2_592_000,
        "scope": "ads:read ads:write",
        "refresh_token": "pinr.bench",
        "refresh_token_expires_in": 5_184_000,
        "refresh_token_expires_at": 4_000_000_000,
    },
    b"GET": {
        "id": "2",
        "ad_account_id": "549700000001",
        "name": "bench",
        "audience_type": "CUSTOMER_LIST",
        "status": "READY",
        "rule": {"customer_list_id": "1"},
    },
    b"PATCH": {"id": "1", "ad_account_id": "549700000001", "name": "bench", "status": "PROCESSING", "exceptions": {}},
}


class Sink(asyncio.BufferedProtocol):
    """Answers every request at once and counts members; keeps nothing, and reads into memory that it has already."""

    members = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._room = bytearray(2**17)
        self._head = b""
        self._left = 0
        self._method = b""

    def get_buffer(self, sizehint: int) -> bytearray:  # noqa: ARG002
        return self._room

    def buffer_updated(self, nbytes: int) -> None:
        if self._left:
            self._take_body(0, nbytes)
            return
        before = len(self._head)
        self._head += self._room[:nbytes]
        head, found, _ = self._head.partition(b"\r\n\r\n")
        if not found:
            return
        self._head = b""
        self._method = head.split(b" ", 1)[0]
        lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        self._left = int(lengths[0].split(b":")[1]) if lengths else 0
        if self._left:
            self._take_body(len(head) + 4 - before, nbytes)
        else:
            self._answer()

    def _take_body(self, start: int, stop: int) -> None:
        if self._method == b"PATCH":
            # A body has as many commas as members: one less between them, and one between its two fields.
            Sink.members += self._room.count(b",", start, stop)
        self._left -= stop - start
        if self._left <= 0:
            self._answer()

    def _answer(self) -> None:
        value = ANSWERS.get(self._method, {"members": Sink.members})
        if self._method == b"DELETE":
            Sink.members = 0
        body = json.dumps(value).encode()
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
        self._transport.write(head + body)


def sink() -> AbstractContextManager[int]:
    """Port of a sink that runs while the context is open."""
    return served(Sink)


def members_received(port: int) -> int:
    """Members the sink got since it was asked last."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("DELETE", "/")
    return int(json.loads(connection.getresponse().read())["members"])
