"""A server that gives prepared answers, at once or after a while, from a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
from collections.abc import Iterator, Mapping


class _Answering(asyncio.Protocol):
    answers: Mapping[str, bytes] = {}
    latency_s = 0.0

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
        asyncio.get_running_loop().call_later(self.latency_s, self._answer, path)

    def _answer(self, path: str) -> None:
        body = self.answers.get(path, self.answers.get("*", b"{}"))
        self._transport.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        )


def _serve(answers: Mapping[str, bytes], latency_s: float, port: multiprocessing.SimpleQueue[int]) -> None:
    _Answering.answers, _Answering.latency_s = answers, latency_s

    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(_Answering, "127.0.0.1", 0)
        port.put(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(run())


@contextlib.contextmanager
def answering(answers: Mapping[str, bytes], latency_s: float = 0.0) -> Iterator[str]:
    """Address of a server that answers path -> body (``*``: any other path) while the context is open."""
    spawn = multiprocessing.get_context("spawn")
    port = spawn.SimpleQueue()
    process = spawn.Process(target=_serve, args=(answers, latency_s, port), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{port.get()}"
    finally:
        process.terminate()
        process.join()
