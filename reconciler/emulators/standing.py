"""An emulator on loopback, with its other end over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Self

from starlette.types import ASGIApp

from reconciler.emulators.remote_control import RemoteControl
from reconciler.emulators.serving import Server


class Standing:
    """Answers at `base_url` while the context is open; `control` speaks to its ``/_control``.

    port: 0 takes any free one.

    Raises:
        TdrError: the port cannot be used.
    """

    def __init__(self, app: ASGIApp, *, host: str, port: int) -> None:
        """Take the port; calls are answered once the context is open."""
        self._server = Server(app, host=host, port=port)
        self.base_url = self._server.url
        self.control = RemoteControl(f"{self._server.url}/_control")

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.__exit__(kind, error, trace)

    def run(self, announce: Callable[[str], None]) -> None:
        """Answer in this thread until the process is told to end. *announce* hears the base URL first."""
        with self._server.ended_by_signals():
            announce(self.base_url)
            self._server.run()
