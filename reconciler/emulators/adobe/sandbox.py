"""An Adobe on this machine: for tests in a thread, for people as ``tdr sandbox --vendor adobe``."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Self

from reconciler.emulators.adobe.app import Adobe
from reconciler.emulators.adobe.gate import Application
from reconciler.emulators.adobe.knobs import Knobs
from reconciler.emulators.remote_control import RemoteControl
from reconciler.emulators.serving import Server
from reconciler.emulators.timeline import Timeline


class AdobeSandbox:
    """Answers at `base_url` while the context is open; `adobe` is what answers, `control` its other end over HTTP.

    port: 0 takes any free one. sandboxes: names of those that the organisation has.

    Raises:
        TdrError: the port cannot be used.
    """

    def __init__(
        self,
        application: Application,
        *,
        org_id: str,
        host: str = "127.0.0.1",
        port: int = 0,
        sandboxes: tuple[str, ...] = ("prod", "dev"),
        knobs: Knobs | None = None,
        timeline: Timeline | None = None,
    ) -> None:
        """Take the port; calls are answered once the context is open."""
        self.adobe = Adobe(application, org_id=org_id, sandboxes=sandboxes, knobs=knobs, timeline=timeline)
        self._server = Server(self.adobe.asgi, host=host, port=port)
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
