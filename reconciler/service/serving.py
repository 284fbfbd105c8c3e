"""Serves the application to other processes of this machine."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from starlette.types import ASGIApp

from reconciler.errors import UsageError

if TYPE_CHECKING:
    import uvicorn

    from reconciler.service.patience import Patience

LOOPBACK: Final = ("127.0.0.1", "::1")
_LAST_ANSWERS_S: Final = 30
"""How long requests under way may take when everything ends. What takes longer is a job, and goes on by itself."""


def serve(
    app: ASGIApp, port: int = 0, announce: Callable[[int], None] = lambda _port: None, host: str = "127.0.0.1"
) -> None:
    """Serve *app* until SIGINT or SIGTERM, and return. Prints and writes nothing.

    port: 0 takes any free one. announce: is told the port as soon as requests can be sent to it.

    Raises:
        UsageError: the port is taken, or *host* is not this machine: the service has no TLS and one user.
    """
    if host not in LOOPBACK:
        raise UsageError(f"the embedded service is for this machine only, not for {host!r}", hint="use 127.0.0.1")
    from reconciler.service.patience import OF_THIS_MACHINE  # noqa: PLC0415 - imports uvicorn

    with bound(host, port) as listener:
        answer(server_of(app, OF_THIS_MACHINE, _LAST_ANSWERS_S), listener, announce)


def answer(server: uvicorn.Server, listener: socket.socket, announce: Callable[[int], None]) -> None:
    """Let *server* answer what comes to *listener* until SIGINT or SIGTERM, and return."""

    def end() -> None:
        server.should_exit = True

    with _signals(end):
        announce(listener.getsockname()[1])
        server.run(sockets=[listener])


def server_of(app: ASGIApp, patience: Patience, last_answers_s: int) -> uvicorn.Server:
    """What answers with *app*; it prints nothing.

    last_answers_s: how long it waits at its end for requests under way, and for those who do not take their answer.
    """
    import uvicorn  # noqa: PLC0415 - only when serving

    from reconciler.service.patience import protocol  # noqa: PLC0415 - imports uvicorn

    return uvicorn.Server(
        uvicorn.Config(
            app,
            http=protocol(patience),
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="off",
            timeout_graceful_shutdown=last_answers_s,
        )
    )


def bound(host: str, port: int) -> socket.socket:
    """A listener there. port: 0 takes any free one.

    Raises:
        UsageError: the port is taken, or not for us.
    """
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except (OSError, OverflowError) as error:
        raise UsageError(f"port {port} of {host} cannot be used: {error}", hint="choose another with --port") from error


@contextmanager
def _signals(end: Callable[[], None]) -> Iterator[None]:
    """Call *end* on a signal that comes before uvicorn listens to them, and when it raises the one that ended it once more.

    Without this SIGTERM would end the process at once, and skip every clean-up.
    """
    previous = {number: signal.signal(number, lambda *_: end()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
