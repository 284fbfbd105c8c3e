"""An Adobe on this machine: for tests in a thread, for people as ``tdr sandbox --vendor adobe``."""

from __future__ import annotations

from reconciler.emulators.adobe.app import Adobe
from reconciler.emulators.adobe.gate import Application
from reconciler.emulators.adobe.knobs import Knobs
from reconciler.emulators.standing import Standing
from reconciler.emulators.timeline import Timeline


class AdobeSandbox(Standing):
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
        super().__init__(self.adobe.asgi, host=host, port=port)
