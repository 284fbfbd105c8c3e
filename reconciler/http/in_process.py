"""Requests to an application in the same process: no port, no socket, the same client code."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import ExitStack
from typing import Any, TypeAlias

import httpx
from anyio.from_thread import BlockingPortal, start_blocking_portal

Message: TypeAlias = MutableMapping[str, Any]
Application: TypeAlias = Callable[
    [Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]
]
"""An ASGI application."""


class InProcessTransport(httpx.BaseTransport):
    """Carries requests of synchronous clients to *app*, from many threads at once.

    The event loop that runs the application starts with the first request and ends with `close`. An exception of the
    application is an answer 500, as behind a server. Bodies are carried whole.

    ready: called before each request, for an application that is made on first need; what it raises reaches the caller.
    """

    def __init__(self, app: Application, ready: Callable[[], object] = lambda: None) -> None:
        self._ready = ready
        self._transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        self._lock = threading.Lock()
        self._running = ExitStack()
        self._portal: BlockingPortal | None = None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Let the application answer."""
        self._ready()
        body = request.read()
        status, headers, content = self._started().call(self._ask, request, body)
        return httpx.Response(status, headers=headers, stream=httpx.ByteStream(content))

    def close(self) -> None:
        """End the event loop; a later request starts another."""
        with self._lock:
            self._portal = None
            self._running.close()

    def _started(self) -> BlockingPortal:
        with self._lock:
            if self._portal is None:
                self._portal = self._running.enter_context(start_blocking_portal())
            return self._portal

    async def _ask(self, request: httpx.Request, body: bytes) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        asked = httpx.Request(
            request.method, request.url, headers=request.headers, content=body, extensions=request.extensions
        )
        response = await self._transport.handle_async_request(asked)
        if not isinstance(response.stream, httpx.AsyncByteStream):
            raise TypeError(type(response.stream).__name__)
        # The pieces are joined as they are, still compressed if the application did so: the client undoes it, once.
        content = b"".join([piece async for piece in response.stream])
        return response.status_code, list(response.headers.raw), content
