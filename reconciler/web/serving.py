"""`tdr serve`: the embedded service and the dashboard beside it, each at an address of its own."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from reconciler import known_secrets
from reconciler.commands import serving as service
from reconciler.errors import UsageError
from reconciler.service.serving import answer, bound, server_of
from reconciler.web.access import TOKEN, access_for
from reconciler.web.app import Dashboard
from reconciler.web.looks import Looks
from reconciler.web.samples import Samples, Sampling

if TYPE_CHECKING:
    import uvicorn

    from reconciler.wiring import Runtime

OFF: Final = "off"


@dataclass(frozen=True, slots=True)
class Place:
    """Where the dashboard listens."""

    host: str
    port: int

    def at(self, port: int) -> str:
        """The address, once the *port* is known."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{port}/"


@dataclass(frozen=True, slots=True)
class Serving:
    """*port*: of the service; 0 for a free one. *sample_every_s*: 0 for no samples."""

    port: int
    sample_every_s: float


def place_of(text: str) -> Place | None:
    """``HOST:PORT``, with brackets around an IPv6 address; None for ``off``.

    Raises:
        UsageError: it is neither.
    """
    if text == OFF:
        return None
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise UsageError(f"--dashboard {text!r} is not HOST:PORT", hint="such as 127.0.0.1:8080, or `off`")
    return Place(host.removeprefix("[").removesuffix("]"), int(port))


def serve(
    runtime: Runtime,
    open_project: Callable[[], AbstractContextManager[Runtime]],
    place: Place | None,
    asked: Serving,
    say: Callable[[str], None],
    environ: Mapping[str, str] = os.environ,
) -> None:
    """Answer until SIGINT or SIGTERM. Where Treasure Data itself answers there is the dashboard only.

    open_project: everything built anew, for a look. say: is told the addresses.

    Raises:
        UsageError: there is nothing to serve, an address cannot be used, or anybody could look.
    """
    if place is None:
        service.serve(runtime, asked.port, say)
        return
    token = environ.get(TOKEN, "").strip()
    known_secrets.remember(token)
    kept = Samples(runtime.state_folder / "dashboard" / "samples.jsonl", runtime.clock)
    dashboard = Dashboard(Looks(open_project, runtime.clock), kept, access_for(place.host, token))
    with bound(place.host, place.port) as listener:
        sampling = Sampling(kept, dashboard.sampled, asked.sample_every_s)
        there = place.at(listener.getsockname()[1])

        def announce(line: str = "") -> None:
            if line:
                say(line)
            say(f"Dashboard at {there}")
            if asked.sample_every_s:
                sampling.start()

        try:
            if runtime.embedded is None:
                answer(_server_of(dashboard), listener, lambda _port: announce())
            else:
                with _beside(_server_of(dashboard), listener):
                    service.serve(runtime, asked.port, announce)
        finally:
            sampling.end()


def _server_of(dashboard: Dashboard) -> uvicorn.Server:
    from reconciler.service.patience import OF_ANYBODY  # noqa: PLC0415 - imports uvicorn

    return server_of(dashboard.application(), OF_ANYBODY, _LAST_ANSWERS_S)


@contextmanager
def _beside(server: uvicorn.Server, listener: socket.socket) -> Iterator[None]:
    """Answer in a thread for as long as the block lasts."""
    thread = threading.Thread(target=lambda: server.run(sockets=[listener]), name="dashboard", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(2 * _LAST_ANSWERS_S)


_LAST_ANSWERS_S: Final = 5
"""How long requests under way may take when everything ends."""
