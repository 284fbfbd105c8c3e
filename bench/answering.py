"""A server that gives prepared answers, at once or after a while, from a process of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial

from sinks import served


class _Answering(asyncio.Protocol):
    def __init__(self, answers: Mapping[str, bytes], latency_s: float) -> None:
        self._answers = answers
        self._latency_s = latency_s

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._head = b""

    def data_received(self, data: bytes) -> None:
        self._head += data
        if not self._head.endswith(b"\r\n\r\n"):
            return
        path = self._head.split(b" ", 2)[1].decode().partition("?")[0]
        self._head = b""
        asyncio.get_running_loop().call_later(self._latency_s, self._answer, path)

    def _answer(self, path: str) -> None:
        body = self._answers.get(path, self._answers.get("*", b"{}"))
        self._transport.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        )


@contextmanager
def answering(answers: Mapping[str, bytes], latency_s: float = 0.0) -> Iterator[str]:
    """Address of a server that answers path -> body (``*``: any other path) while the context is open."""
    with served(partial(_Answering, answers, latency_s)) as port:
        yield f"http://127.0.0.1:{port}"
