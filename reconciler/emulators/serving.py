"""Any ASGI application on a loopback port, from a thread or for as long as the process lives."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

import uvicorn
from starlette.types import ASGIApp

from reconciler.emulators.connection import DroppableProtocol
from reconciler.errors import TdrError

_GRACE_S = 1  # for calls that still run when the server stops


class Server:
    """Serves *app* at ``http://{host}:{port}`` while the context is open.

    port: 0 takes any free one; `port` then says which.
    """

    def __init__(self, app: ASGIApp, *, host: str = "127.0.0.1", port: int = 0) -> None:
        """Take the port at once, so that `url` is known before the first request.

        Raises:
            TdrError: the port is taken or not allowed.
        """
        self._socket = _listening(host, port)
        self.host = host
        self.port: int = self._socket.getsockname()[1]
        self._uvicorn = uvicorn.Server(
            uvicorn.Config(
                app,
                http=DroppableProtocol,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=_GRACE_S,
                timeout_keep_alive=75,  # as vendors keep connections: a client that waits between looks finds its own
            )
        )
        self._thread = threading.Thread(target=self.run, name=f"emulator-{self.port}", daemon=True)

    @property
    def url(self) -> str:
        """Where it answers, without a slash at the end."""
        return f"http://{self.host}:{self.port}"

    def run(self) -> None:
        """Serve in this thread until `stop`, or in the main thread until a signal ends it."""
        try:
            self._uvicorn.run(sockets=[self._socket])
        finally:
            self._socket.close()

    @contextmanager
    def ended_by_signals(self) -> Iterator[None]:
        """Let SIGINT and SIGTERM end `run`, also those that come before uvicorn listens to them or after it has ended."""
        numbers = (signal.SIGINT, signal.SIGTERM)
        previous = {number: signal.signal(number, lambda *_: self.stop()) for number in numbers}
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)

    def stop(self) -> None:
        """End `run`, from any thread."""
        self._uvicorn.should_exit = True

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self._thread.join()


def _listening(host: str, port: int) -> socket.socket:
    # asyncio turns Nagle's algorithm off only where the protocol is named, and with it on every answer takes 40 ms more
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen()  # from here on calls queue, so nobody has to wait for the thread
    except (OSError, OverflowError) as error:
        listening.close()
        raise TdrError(
            f"cannot listen on {host}:{port}: {error}", hint="choose another port, or 0 for any free one"
        ) from error
    return listening
